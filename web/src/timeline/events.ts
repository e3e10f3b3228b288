// Marks and spans over the timeline's curves.

import type uPlot from "uplot";
import { middle, visible } from "../text/visible";
import { type Bar, type EventRows, ROW_HEIGHT, wordsOf } from "./event_rows";

export interface EventColours {
  text: string;
  muted: string;
  paper: string;
  span: string;
  mark: string;
}

const LETTER = 6.2;
const MARK_LETTERS = 24;

export function drawEvents(
  plot: uPlot,
  { bars, marks }: EventRows,
  colours: EventColours,
  font: string,
): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = font;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  drawBars(plot, bars, colours);
  drawMarks(plot, marks, colours);
  ctx.restore();
}

/** Neighbours that share a pixel are one bar, without words. */
function drawBars(plot: uPlot, bars: readonly Bar[], colours: EventColours): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  const ends: number[] = [];
  for (const { event, row, begin_s, end_s } of bars) {
    const left = plot.valToPos(begin_s, "x", true);
    const right = Math.max(plot.valToPos(end_s, "x", true), left + ratio);
    const from = Math.max(left, ends[row] ?? left);
    if (right <= from) continue;
    ends[row] = right;
    const top = bbox.top + row * ROW_HEIGHT * ratio;
    const high = (ROW_HEIGHT - 1) * ratio;
    ctx.fillStyle = colours.span;
    // A thin gap parts neighbours.
    const gap = right - from > 3 * ratio ? ratio : 0;
    ctx.fillRect(from, top, right - from - gap, high);
    const shown = Math.min(right, bbox.left + bbox.width) - Math.max(left, bbox.left);
    const letters = Math.floor(shown / (LETTER * ratio)) - 1;
    if (letters < 3) continue;
    ctx.fillStyle = colours.text;
    const words = middle(visible(middle(wordsOf(event), 200)), letters);
    ctx.fillText(words, Math.max(left, bbox.left) + 3 * ratio, top + high / 2);
  }
}

/** Lines; words where they do not cover those before, on two levels. */
function drawMarks(plot: uPlot, marks: readonly Bar[], colours: EventColours): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  let drawn = Number.NEGATIVE_INFINITY;
  const taken = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const end = bbox.left + bbox.width;
  for (const { event, begin_s } of marks) {
    const left = plot.valToPos(begin_s, "x", true);
    if (left - drawn >= ratio) {
      drawn = left;
      ctx.strokeStyle = colours.mark;
      ctx.lineWidth = ratio;
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    const words = visible(middle(wordsOf(event), MARK_LETTERS));
    const wide = ctx.measureText(words).width + 6 * ratio;
    const from = left + wide > end ? left - wide : left;
    const level = taken.findIndex((to) => to <= from);
    if (level < 0 || from < bbox.left) continue;
    taken[level] = from + wide;
    const low = bbox.top + bbox.height - (12 + 13 * level) * ratio;
    ctx.strokeStyle = colours.paper;
    ctx.lineWidth = 3 * ratio;
    ctx.strokeText(words, from + 3 * ratio, low);
    ctx.fillStyle = colours.text;
    ctx.fillText(words, from + 3 * ratio, low);
  }
}

/** The peaks: a ring on each, words beside the highest. */
export function drawPeaks(
  plot: uPlot,
  peaks: readonly { at_s: number; bytes: number }[],
  words: string,
  colours: EventColours,
  font: string,
): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.setLineDash([]);
  ctx.font = `600 ${font}`;
  for (const [rank, { at_s, bytes }] of [...peaks.entries()].reverse()) {
    const x = plot.valToPos(at_s, "x", true);
    const y = plot.valToPos(bytes, "y", true);
    ctx.beginPath();
    ctx.arc(x, y, (rank === 0 ? 4 : 2.5) * ratio, 0, 2 * Math.PI);
    ctx.fillStyle = colours.paper;
    ctx.fill();
    ctx.lineWidth = (rank === 0 ? 2 : 1.2) * ratio;
    ctx.strokeStyle = colours.mark;
    ctx.stroke();
    if (rank > 0) continue;
    const wide = ctx.measureText(words).width;
    const onLeft = x + wide + 12 * ratio > bbox.left + bbox.width;
    ctx.textAlign = onLeft ? "right" : "left";
    ctx.textBaseline = y - bbox.top < 14 * ratio ? "top" : "bottom";
    ctx.lineWidth = 3 * ratio;
    ctx.strokeStyle = colours.paper;
    const textX = x + (onLeft ? -8 : 8) * ratio;
    ctx.strokeText(words, textX, y - (ctx.textBaseline === "top" ? -4 : 2) * ratio);
    ctx.fillStyle = colours.text;
    ctx.fillText(words, textX, y - (ctx.textBaseline === "top" ? -4 : 2) * ratio);
  }
  ctx.restore();
}

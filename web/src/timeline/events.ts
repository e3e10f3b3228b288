// Marks, spans and collections over the timeline's curves.

import type uPlot from "uplot";
import type { RecordedEvent } from "../payload/manifest";
import { middle, visible } from "../text/visible";

export interface EventColours {
  text: string;
  muted: string;
  paper: string;
  span: string;
  mark: string;
}

const SPAN = 12;
const LANES = 3;

const isCollection = ({ kind }: RecordedEvent) => /gc|collect/i.test(kind);

export function drawEvents(
  plot: uPlot,
  events: readonly RecordedEvent[],
  colours: EventColours,
  font: string,
): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  const x = (seconds: number) => plot.valToPos(seconds, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = font;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const laneEnds: number[] = [];
  for (const event of events) {
    const left = x(event.begin_s);
    const right = x(event.end_s);
    if (isCollection(event)) {
      ctx.fillStyle = colours.muted;
      const wide = Math.max(ratio, right - left);
      ctx.fillRect(left, bbox.top + bbox.height - 5 * ratio, wide, 5 * ratio);
    } else if (event.end_s > event.begin_s) {
      let lane = laneEnds.findIndex((end) => end <= left);
      if (lane < 0) lane = laneEnds.length < LANES ? laneEnds.length : LANES - 1;
      laneEnds[lane] = right;
      const top = bbox.top + lane * (SPAN + 1) * ratio;
      ctx.fillStyle = colours.span;
      ctx.fillRect(left, top, Math.max(ratio, right - left), SPAN * ratio);
      const characters = Math.floor((right - left) / (6.2 * ratio)) - 1;
      if (characters >= 3) {
        ctx.fillStyle = colours.text;
        ctx.fillText(
          middle(visible(middle(event.label, 200)), characters),
          left + 3 * ratio,
          top + (SPAN / 2) * ratio,
        );
      }
    } else {
      ctx.strokeStyle = colours.mark;
      ctx.lineWidth = ratio;
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
      const label = visible(middle(event.label, 24));
      const low = bbox.top + bbox.height - 12 * ratio;
      ctx.strokeStyle = colours.paper;
      ctx.lineWidth = 3 * ratio;
      ctx.strokeText(label, left + 3 * ratio, low);
      ctx.fillStyle = colours.text;
      ctx.fillText(label, left + 3 * ratio, low);
    }
  }
  ctx.restore();
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

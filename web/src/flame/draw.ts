// Bars onto a canvas, only the rows in sight, bars of one look together.

import type { CallTree } from "../profile/call_tree";
import type { Labels } from "./labels";
import type { Bars } from "./layout";
import type { BarStyle, Palette } from "./palette";

export const ROW = 20;

export interface Scene {
  tree: CallTree;
  bars: Bars;
  palette: Palette;
  labels: Labels;
  width: number;
  height: number;
  ratio: number;
  /** Pixels above the first row in sight. */
  scroll: number;
  /** The row a depth is drawn in. */
  rowOf(depth: number): number;
  styleOf(bar: number): BarStyle;
  /** What it is called, and what is added where there is room for both. */
  labelOf(bar: number): [name: string, more: string];
  figureOf(bar: number): string;
  /** Whether it is dimmed: a search is on and this is not of it. */
  isFaint(bar: number): boolean;
  isSelected(bar: number): boolean;
  cursor: number;
}

const PADDING = 5;
const LEAST_LABEL = 26;
const LEAST_FIGURE = 190;
const LEAST_MORE = 50;

export function draw(context: CanvasRenderingContext2D, scene: Scene): void {
  const { bars, palette, ratio, width, height, scroll } = scene;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const looks = new Map<string, { style: BarStyle; faint: boolean; bars: number[] }>();
  for (let bar = 0; bar < bars.length; bar++) {
    const top = scene.rowOf(bars.depth[bar]!) * ROW - scroll;
    if (top + ROW <= 0 || top >= height) continue;
    const style = scene.styleOf(bar);
    const faint = scene.isFaint(bar);
    const key = `${style} ${faint}`;
    let look = looks.get(key);
    if (!look) {
      look = { style, faint, bars: [] };
      looks.set(key, look);
    }
    look.bars.push(bar);
  }
  for (const { style, faint, bars: alike } of looks.values()) {
    context.globalAlpha = faint ? 0.28 : 1;
    context.fillStyle = palette.fill(style);
    for (const bar of alike) {
      const top = scene.rowOf(bars.depth[bar]!) * ROW - scroll;
      const wide = bars.width[bar]!;
      context.fillRect(bars.x[bar]!, top, wide > 2.5 ? wide - 1 : Math.max(wide, 1), ROW - 1);
    }
  }
  drawLabels(context, scene, looks.values());
  context.globalAlpha = 1;
  for (const { bars: alike } of looks.values())
    for (const bar of alike) if (scene.isSelected(bar)) outline(context, scene, bar, 2);
  if (scene.cursor >= 0 && scene.cursor < bars.length) outline(context, scene, scene.cursor, 1.5);
}

function drawLabels(
  context: CanvasRenderingContext2D,
  scene: Scene,
  looks: Iterable<{ style: BarStyle; faint: boolean; bars: number[] }>,
): void {
  const { bars, labels, palette, scroll } = scene;
  context.textBaseline = "middle";
  context.direction = "ltr";
  for (const { faint, bars: alike } of looks) {
    context.globalAlpha = faint ? 0.55 : 1;
    for (const bar of alike) {
      const wide = bars.width[bar]!;
      if (wide < LEAST_LABEL) continue;
      const middleOfRow = scene.rowOf(bars.depth[bar]!) * ROW - scroll + ROW / 2;
      const left = bars.x[bar]! + PADDING;
      let room = wide - 2 * PADDING;
      if (wide >= LEAST_FIGURE) {
        const figure = scene.figureOf(bar);
        const figureWidth = labels.width(figure);
        context.fillStyle = palette.muted;
        context.textAlign = "right";
        context.fillText(figure, left + room, middleOfRow);
        room -= figureWidth + 2 * PADDING;
      }
      const [name, more] = scene.labelOf(bar);
      const label = labels.fit(name, room);
      if (label === "") continue;
      context.fillStyle = palette.text;
      context.textAlign = "left";
      context.fillText(label, left, middleOfRow);
      const used = more === "" ? room : labels.width(label) + 2 * PADDING;
      const added = room - used < LEAST_MORE ? "" : labels.fit(more, room - used);
      if (added === "") continue;
      context.fillStyle = palette.muted;
      context.fillText(added, left + used, middleOfRow);
    }
  }
}

function outline(
  context: CanvasRenderingContext2D,
  { bars, palette, scroll, rowOf }: Scene,
  bar: number,
  thickness: number,
): void {
  const half = thickness / 2;
  context.strokeStyle = palette.mark;
  context.lineWidth = thickness;
  context.strokeRect(
    bars.x[bar]! + half,
    rowOf(bars.depth[bar]!) * ROW - scroll + half,
    Math.max(bars.width[bar]! - 1 - thickness, 1),
    ROW - 1 - thickness,
  );
}

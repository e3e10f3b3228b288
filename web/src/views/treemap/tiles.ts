// Where the areas of a treemap lie, in pixels.

import { hierarchy, treemap } from "d3-hierarchy";
import { type Area, withRests } from "./areas";

export interface Tile {
  area: Area;
  depth: number;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Whether smaller tiles lie in it, below its title. */
  isOpen: boolean;
}

const TITLE = 18;
/** Square pixels below which an area is put together with others as small, or shown without what is in it. */
const LEAST = 120;
const LEAST_OPEN = 3000;

/** Tiles of what is in an area, parents before children. Few thousand, however many areas there are. */
export function tilesOf(root: Area, width: number, height: number): Tile[] {
  if (width < 2 || height < 2 || root.weight <= 0) return [];
  const perPixel = root.weight / (width * height);
  const shown = withRests(root, LEAST * perPixel, LEAST_OPEN * perPixel);
  const laid = treemap<Area>()
    .size([width, height])
    .paddingTop((node) => (node.depth > 0 ? TITLE : 0))
    .paddingInner(1)
    .paddingLeft((node) => (node.depth > 0 ? 1 : 0))
    .paddingRight((node) => (node.depth > 0 ? 1 : 0))
    .paddingBottom((node) => (node.depth > 0 ? 1 : 0))
    .round(true)(
    hierarchy(shown, (area) => area.children)
      .sum((area) => (area.children.length > 0 ? 0 : area.weight))
      .sort((a, b) => (b.value ?? 0) - (a.value ?? 0)),
  );
  const tiles: Tile[] = [];
  laid.eachBefore((node) => {
    const [w, h] = [node.x1 - node.x0, node.y1 - node.y0];
    if (node.depth === 0 || w < 1 || h < 1) return;
    tiles.push({
      area: node.data,
      depth: node.depth,
      x: node.x0,
      y: node.y0,
      width: w,
      height: h,
      isOpen: node.data.children.length > 0,
    });
  });
  return tiles;
}

export type Direction = "left" | "right" | "up" | "down";

/** The tile that lies next in a direction: the nearest that is beside, else the nearest; the same at the edge. */
export function neighbour(tiles: readonly Tile[], from: number, direction: Direction): number {
  const { x, y, width, height } = tiles[from]!;
  const isAcross = direction === "left" || direction === "right";
  const isBack = direction === "left" || direction === "up";
  let best = from;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, tile] of tiles.entries()) {
    if (index === from || tile.isOpen) continue;
    const along = isAcross
      ? isBack
        ? x - (tile.x + tile.width)
        : tile.x - (x + width)
      : isBack
        ? y - (tile.y + tile.height)
        : tile.y - (y + height);
    if (along < 0) continue;
    // How far it lies beside the way there: 0 where it is straight ahead.
    const aside = isAcross
      ? Math.max(0, tile.y - (y + height), y - (tile.y + tile.height))
      : Math.max(0, tile.x - (x + width), x - (tile.x + tile.width));
    const off = isAcross ? Math.abs(tile.y - y) : Math.abs(tile.x - x);
    const distance = along + 4 * aside + 0.01 * off;
    if (distance < least) {
      least = distance;
      best = index;
    }
  }
  return best;
}

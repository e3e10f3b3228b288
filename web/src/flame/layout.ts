// Where the bars of a call tree lie: x and width in pixels, depth in rows. Nothing is left out: children
// narrower than `least` become one bar that knows which they are. As siblings come widest first, those are
// always the last ones. Only what is seen is visited: O(bars + their children).

import type { CallTree } from "../profile/call_tree";

/** What fills the width: a node, or those of its children from the `from`th on. */
export interface Focus {
  node: number;
  from: number;
}

export interface Bars {
  length: number;
  node: number[];
  x: number[];
  width: number[];
  depth: number[];
  /** -1: the node itself. Else: the children of the node from this one on, merged into one bar. */
  mergedFrom: number[];
  rows: number;
}

class BarsWriter implements Bars {
  node: number[] = [];
  x: number[] = [];
  width: number[] = [];
  depth: number[] = [];
  mergedFrom: number[] = [];
  rows = 0;

  get length() {
    return this.node.length;
  }

  add(node: number, x: number, width: number, depth: number, mergedFrom = -1): void {
    this.node.push(node);
    this.x.push(x);
    this.width.push(width);
    this.depth.push(depth);
    this.mergedFrom.push(mergedFrom);
    if (depth >= this.rows) this.rows = depth + 1;
  }
}

export function weightFrom(tree: CallTree, node: number, from: number): number {
  const children = tree.children(node);
  let weight = 0;
  for (let i = from; i < children.length; i++) weight += tree.weight(children[i]!);
  return weight;
}

export function valueFrom(tree: CallTree, node: number, from: number): number {
  const children = tree.children(node);
  let value = 0;
  for (let i = from; i < children.length; i++) value += tree.value(children[i]!);
  return value;
}

/** How many frames a merged bar stands for: its own, and those under them where that is known. */
export function framesFrom(
  tree: CallTree,
  node: number,
  from: number,
): { own: number; under: number | null } {
  const children = tree.children(node);
  let under: number | null = 0;
  for (let i = from; i < children.length; i++) {
    const more: number | null = tree.framesUnder(children[i]!);
    under = under === null || more === null ? null : under + more;
  }
  return { own: children.length - from, under };
}

export function layOut(tree: CallTree, focus: Focus, width: number, least = 1): Bars {
  const bars = new BarsWriter();
  for (let node = focus.node; ; node = tree.parent(node)) {
    if (node !== focus.node || focus.from >= 0) bars.add(node, 0, width, tree.depth(node));
    if (node === tree.root) break;
  }
  const open: number[] = [];
  const openX: number[] = [];
  let scale: number;
  if (focus.from >= 0) {
    const whole = weightFrom(tree, focus.node, focus.from);
    scale = whole > 0 ? width / whole : 0;
    place(focus.node, 0, focus.from);
  } else {
    const whole = tree.weight(focus.node);
    scale = whole > 0 ? width / whole : 0;
    bars.add(focus.node, 0, width, tree.depth(focus.node));
    place(focus.node, 0, 0);
  }
  for (let node = open.pop(); node !== undefined; node = open.pop()) place(node, openX.pop()!, 0);
  return bars;

  function place(parent: number, left: number, from: number): void {
    const children = tree.children(parent);
    const depth = tree.depth(parent) + 1;
    let x = left;
    for (let i = from; i < children.length; i++) {
      const child = children[i]!;
      const wide = tree.weight(child) * scale;
      if (wide < least && !(i === children.length - 1 && wide >= least / 2)) {
        bars.add(parent, x, Math.max(least, weightFrom(tree, parent, i) * scale), depth, i);
        return;
      }
      bars.add(child, x, wide, depth);
      open.push(child);
      openX.push(x);
      x += wide;
    }
  }
}

/** The bar at a place, or -1. O(bars). */
export function barAt(bars: Bars, x: number, depth: number): number {
  for (let bar = bars.length - 1; bar >= 0; bar--)
    if (bars.depth[bar] === depth && x >= bars.x[bar]! && x < bars.x[bar]! + bars.width[bar]!)
      return bar;
  return -1;
}

// A tree of frames to be drawn, expanded only as far as somebody looks: the call tree itself, or trees whose
// nodes stand for many of its nodes (inverted, callers and callees of a group, lines merged to functions).
// Children come widest first.

import { type Grouping, type GroupKind, outermostNodes } from "./grouping";
import type { Profile } from "./profile";
import type { Totals } from "./totals";

export interface CallTree {
  readonly root: number;
  /** Whether children are callers, not callees. */
  readonly inverted: boolean;
  /** What frames are merged by. */
  readonly by: GroupKind;
  /** A frame that the node stands for. */
  frame(node: number): number;
  parent(node: number): number;
  depth(node: number): number;
  /** How wide it is: see Totals.weight. */
  weight(node: number): number;
  /** Its figure: the same as weight, but signed in a comparison. */
  value(node: number): number;
  /** Those that weigh something, widest first. */
  children(node: number): Int32Array;
  /** How many frames lie under it; null where nobody has looked. */
  framesUnder(node: number): number | null;
}

/** Where each node is drawn when runs of frames of one owner fold into the first of each run. O(nodes). */
export interface Folding {
  /** The node itself, or the first of the run that it is part of. */
  first: Int32Array;
  /** Rows above it. */
  depth: Int32Array;
}

export function foldingOf({ nodes, frames, files, manifest }: Profile, owner: string): Folding {
  const folded = manifest.owners.indexOf(owner);
  const isFolded = (node: number) => {
    const frame = nodes.frame[node]!;
    return frame !== 0 && files.owner[frames.file[frame]!] === folded;
  };
  const first = new Int32Array(nodes.length);
  const depth = new Int32Array(nodes.length);
  for (let node = 1; node < nodes.length; node++) {
    const parent = nodes.parent[node]!;
    const run = isFolded(node) && isFolded(parent);
    first[node] = run ? first[parent]! : node;
    depth[node] = run ? depth[parent]! : depth[parent]! + 1;
  }
  return { first, depth };
}

/** The call tree as captured, runs of folded frames as one. A node's number is that of profile.nodes. */
export class WholeTree implements CallTree {
  readonly root = 0;
  readonly inverted = false;
  readonly by = "line";
  private readonly sorted = new Map<number, Int32Array>();
  private under: Int32Array | null = null;

  constructor(
    private readonly profile: Profile,
    private readonly totals: Totals,
    private readonly folding: Folding | null = null,
  ) {}

  frame(node: number): number {
    return this.profile.nodes.frame[node]!;
  }

  parent(node: number): number {
    const parent = this.profile.nodes.parent[node]!;
    return this.folding ? this.folding.first[parent]! : parent;
  }

  depth(node: number): number {
    return (this.folding ?? this.profile.nodes).depth[node]!;
  }

  weight(node: number): number {
    return this.totals.weight[node]!;
  }

  value(node: number): number {
    return this.totals.inclusive[node]!;
  }

  children(node: number): Int32Array {
    const known = this.sorted.get(node);
    if (known) return known;
    const { end } = this.profile.nodes;
    const { weight } = this.totals;
    const first = this.folding?.first;
    const found: number[] = [];
    let inOrder = true;
    for (let child = node + 1; child < end[node]!; ) {
      if (!(weight[child]! > 0)) {
        child = end[child]!;
        continue;
      }
      if (first && first[child] !== child) {
        child++; // of the same run: what it calls comes next
        continue;
      }
      const next = end[child]!;
      inOrder &&= found.length === 0 || weight[found.at(-1)!]! >= weight[child]!;
      found.push(child);
      child = next;
    }
    if (!inOrder) found.sort((a, b) => weight[b]! - weight[a]! || a - b);
    const children = Int32Array.from(found);
    this.sorted.set(node, children);
    return children;
  }

  framesUnder(node: number): number {
    if (!this.under) {
      const { parent, length } = this.profile.nodes;
      this.under = new Int32Array(length);
      for (let i = length - 1; i > 0; i--)
        this.under[parent[i]!]! += this.under[i]! + (this.totals.weight[i]! > 0 ? 1 : 0);
    }
    return this.under[node]!;
  }
}

/** What a merged node stands for: nodes of the call tree, and how much of each counts. */
interface Members {
  nodes: number[];
  weights: number[];
  values: number[];
}

/** A tree whose nodes stand for groups of frames. Numbers are given as nodes are first seen. */
export class MergedTree implements CallTree {
  readonly root = 0;
  readonly by: GroupKind;
  private readonly members: Members[] = [];
  private readonly frames: number[] = [];
  private readonly parents: number[] = [];
  private readonly depths: number[] = [];
  private readonly weights: number[] = [];
  private readonly values: number[] = [];
  private readonly expanded = new Map<number, Int32Array>();

  private constructor(
    private readonly profile: Profile,
    private readonly totals: Totals,
    private readonly grouping: Grouping,
    readonly inverted: boolean,
    frame: number,
    members: Members,
  ) {
    this.by = grouping.kind;
    this.add(frame, 0, 0, members);
  }

  /** The whole program, frames of one group under the same parent merged. */
  static down(profile: Profile, totals: Totals, grouping: Grouping): MergedTree {
    const members = membersAt(Int32Array.of(0), totals);
    return new MergedTree(profile, totals, grouping, false, 0, members);
  }

  /** Innermost frames first, their callers under them. */
  static inverted(profile: Profile, totals: Totals, grouping: Grouping): MergedTree {
    const members: Members = { nodes: [0], weights: [totals.weight[0]!], values: [totals.total] };
    const tree = new MergedTree(profile, totals, grouping, true, 0, members);
    const { length, frame } = profile.nodes;
    const groups = new Groups();
    for (let node = 0; node < length; node++) {
      if (!(totals.selfWeight[node]! > 0)) continue;
      const key = grouping.keyOfFrame[frame[node]!]!;
      groups.add(key, frame[node]!, node, totals.selfWeight[node]!, totals.self[node]!);
    }
    tree.adopt(0, groups);
    return tree;
  }

  /** A group, what it calls under it. */
  static callees(profile: Profile, totals: Totals, grouping: Grouping, key: number): MergedTree {
    const members = membersAt(outermostNodes(profile, grouping, key), totals);
    return new MergedTree(profile, totals, grouping, false, grouping.exampleFrame[key]!, members);
  }

  /** A group, what calls it under it. */
  static callers(profile: Profile, totals: Totals, grouping: Grouping, key: number): MergedTree {
    const members = membersAt(outermostNodes(profile, grouping, key), totals);
    return new MergedTree(profile, totals, grouping, true, grouping.exampleFrame[key]!, members);
  }

  frame(node: number): number {
    return this.frames[node]!;
  }

  parent(node: number): number {
    return this.parents[node]!;
  }

  depth(node: number): number {
    return this.depths[node]!;
  }

  weight(node: number): number {
    return this.weights[node]!;
  }

  value(node: number): number {
    return this.values[node]!;
  }

  framesUnder(): null {
    return null;
  }

  children(node: number): Int32Array {
    const known = this.expanded.get(node);
    if (known) return known;
    const groups = new Groups();
    if (this.inverted) this.gatherCallers(node, groups);
    else this.gatherCallees(node, groups);
    return this.adopt(node, groups);
  }

  private gatherCallees(node: number, groups: Groups): void {
    const { end, frame } = this.profile.nodes;
    const { keyOfFrame } = this.grouping;
    const { weight, inclusive } = this.totals;
    for (const member of this.members[node]!.nodes)
      for (let child = member + 1; child < end[member]!; child = end[child]!)
        if (weight[child]! > 0)
          groups.add(
            keyOfFrame[frame[child]!]!,
            frame[child]!,
            child,
            weight[child]!,
            inclusive[child]!,
          );
  }

  private gatherCallers(node: number, groups: Groups): void {
    const { parent, frame } = this.profile.nodes;
    const { keyOfFrame } = this.grouping;
    const { nodes, weights, values } = this.members[node]!;
    for (let i = 0; i < nodes.length; i++) {
      const above = parent[nodes[i]!]!;
      if (above === 0) continue;
      groups.add(keyOfFrame[frame[above]!]!, frame[above]!, above, weights[i]!, values[i]!);
    }
  }

  private add(frame: number, parent: number, depth: number, members: Members): number {
    const node = this.frames.length;
    this.frames.push(frame);
    this.parents.push(parent);
    this.depths.push(depth);
    this.members.push(members);
    this.weights.push(sum(members.weights));
    this.values.push(sum(members.values));
    return node;
  }

  private adopt(node: number, groups: Groups): Int32Array {
    const children = groups
      .all()
      .map(({ frame, members }) => this.add(frame, node, this.depths[node]! + 1, members));
    children.sort((a, b) => this.weights[b]! - this.weights[a]! || a - b);
    const sorted = Int32Array.from(children);
    this.expanded.set(node, sorted);
    return sorted;
  }
}

function membersAt(nodes: Int32Array, totals: Totals): Members {
  return {
    nodes: [...nodes],
    weights: Array.from(nodes, (node) => totals.weight[node]!),
    values: Array.from(nodes, (node) => totals.inclusive[node]!),
  };
}

function sum(values: number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

class Groups {
  private readonly found = new Map<number, { frame: number; members: Members }>();

  add(key: number, frame: number, node: number, weight: number, value: number): void {
    let group = this.found.get(key);
    if (!group) {
      group = { frame, members: { nodes: [], weights: [], values: [] } };
      this.found.set(key, group);
    }
    group.members.nodes.push(node);
    group.members.weights.push(weight);
    group.members.values.push(value);
  }

  all(): { frame: number; members: Members }[] {
    return [...this.found.values()];
  }
}

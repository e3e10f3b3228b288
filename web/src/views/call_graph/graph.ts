// The call graph: functions as nodes, calls as edges, both by bytes; what is small is left out and counted.
//
// A node's figure is what the function allocated with everything it called, recursion counted once. An edge's
// figure is what was allocated below calls of the one by the other, once too where they call each other in turn.

import type { Grouping, GroupTotals } from "../../profile/grouping";
import type { Profile } from "../../profile/profile";

export interface GraphNode {
  key: number;
  frame: number;
  self: number;
  inclusive: number;
  /** Whether it calls itself. */
  isRecursive: boolean;
}

export interface GraphEdge {
  /** Indices of nodes. */
  from: number;
  to: number;
  value: number;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  left: {
    nodes: number;
    /** The largest figure among the functions that are left out. */
    largest: number;
    edges: number;
  };
}

export interface Limits {
  /** Shares of the whole, 0 to 1. */
  node: number;
  edge: number;
  /** At most so many nodes. */
  most: number;
}

/** O(nodes of the call tree). `whole` is what shares are of. */
export function graphOf(
  profile: Profile,
  functions: Grouping,
  sums: GroupTotals,
  inclusive: Float64Array,
  whole: number,
  limits: Limits,
): Graph {
  const amount = (key: number) => Math.abs(sums.inclusive[key]!);
  const candidates: number[] = [];
  for (let key = 0; key < functions.length; key++)
    if (amount(key) > 0 && functions.exampleFrame[key] !== 0) candidates.push(key);
  candidates.sort((a, b) => amount(b) - amount(a) || a - b);
  const kept = candidates.filter((key) => amount(key) >= limits.node * whole).slice(0, limits.most);
  const indexOf = new Int32Array(functions.length).fill(-1);
  for (const [index, key] of kept.entries()) indexOf[key] = index;
  const nodes = kept.map((key) => ({
    key,
    frame: functions.exampleFrame[key]!,
    self: sums.self[key]!,
    inclusive: sums.inclusive[key]!,
    isRecursive: false,
  }));

  const { nodes: tree } = profile;
  const edges = new Map<number, { value: number; openUntil: number }>();
  for (let node = 1; node < tree.length; node++) {
    const from = indexOf[functions.keyOfFrame[tree.frame[tree.parent[node]!]!]!]!;
    const to = indexOf[functions.keyOfFrame[tree.frame[node]!]!]!;
    if (from < 0 || to < 0) continue;
    if (from === to) {
      nodes[from]!.isRecursive = true;
      continue;
    }
    const id = from * nodes.length + to;
    const edge = edges.get(id);
    if (!edge) edges.set(id, { value: inclusive[node]!, openUntil: tree.end[node]! });
    else if (edge.openUntil <= node) {
      edge.value += inclusive[node]!;
      edge.openUntil = tree.end[node]!;
    }
  }
  const all = [...edges.entries()]
    .map(([id, { value }]) => ({
      from: Math.floor(id / nodes.length),
      to: id % nodes.length,
      value,
    }))
    .filter(({ value }) => value !== 0)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.from - b.from || a.to - b.to);
  const shown = all.filter(({ value }) => Math.abs(value) >= limits.edge * whole);
  const next = candidates[kept.length];
  return {
    nodes,
    edges: shown,
    left: {
      nodes: candidates.length - kept.length,
      largest: next === undefined ? 0 : sums.inclusive[next]!,
      edges: all.length - shown.length,
    },
  };
}

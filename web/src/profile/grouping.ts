// Ways to merge frames: by line, function, file, module, distribution. A key is one group.

import type { Profile } from "./profile";

export const GROUPINGS = ["line", "function", "file", "module", "distribution"] as const;
export type GroupKind = (typeof GROUPINGS)[number];

export interface Grouping {
  kind: GroupKind;
  /** The key of each frame. */
  keyOfFrame: Int32Array;
  length: number;
  /** One frame of each key, that stands for it. */
  exampleFrame: Int32Array;
}

/** Frames with the same identity are one group; groups are numbered as they are met. O(frames). */
export function numbered(
  kind: GroupKind,
  frames: number,
  identity: (frame: number) => unknown,
): Grouping {
  const keys = new Map<unknown, number>();
  const keyOfFrame = new Int32Array(frames);
  const examples: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const id = identity(frame);
    let key = keys.get(id);
    if (key === undefined) {
      key = examples.length;
      keys.set(id, key);
      examples.push(frame);
    }
    keyOfFrame[frame] = key;
  }
  return { kind, keyOfFrame, length: examples.length, exampleFrame: Int32Array.from(examples) };
}

/** O(frames). */
export function groupingOf({ frames, files }: Profile, kind: GroupKind): Grouping {
  const file = (frame: number) => frames.file[frame]!;
  switch (kind) {
    case "line":
      return numbered(kind, frames.length, (frame) => frame);
    case "function":
      return numbered(
        kind,
        frames.length,
        (frame) => `${frames.function[frame]} ${file(frame)} ${frames.first_line[frame]}`,
      );
    case "file":
      return numbered(kind, frames.length, file);
    case "module":
      return numbered(kind, frames.length, (frame) => files.module[file(frame)]);
    case "distribution":
      return numbered(
        kind,
        frames.length,
        (frame) => files.distribution[file(frame)]! || -1 - files.owner[file(frame)]!,
      );
  }
}

export interface GroupTotals {
  self: Float64Array;
  /** A group met again under itself (recursion) is counted once. */
  inclusive: Float64Array;
}

/** Sums of a node's values over the groups of a grouping. O(nodes). */
export function groupTotals(
  { nodes }: Profile,
  grouping: Grouping,
  self: Float64Array,
  inclusive: Float64Array,
): GroupTotals {
  const { keyOfFrame } = grouping;
  const sums = {
    self: new Float64Array(grouping.length),
    inclusive: new Float64Array(grouping.length),
  };
  // The group is open until the end of the subtree of its outermost node.
  const openUntil = new Int32Array(grouping.length);
  // The whole program calls nothing: what is under it is not its callees'.
  const outside = keyOfFrame[nodes.frame[0]!]!;
  sums.self[outside] = sums.inclusive[outside] = self[0]!;
  for (let node = 1; node < nodes.length; node++) {
    const key = keyOfFrame[nodes.frame[node]!]!;
    sums.self[key]! += self[node]!;
    if (openUntil[key]! > node) continue;
    openUntil[key] = nodes.end[node]!;
    sums.inclusive[key]! += inclusive[node]!;
  }
  return sums;
}

/** The same without the inclusive sums. O(nodes). */
export function selfByGroup(
  { nodes }: Profile,
  { keyOfFrame, length }: Grouping,
  self: Float64Array,
): Float64Array {
  const sums = new Float64Array(length);
  for (let node = 0; node < nodes.length; node++)
    if (self[node] !== 0) sums[keyOfFrame[nodes.frame[node]!]!]! += self[node]!;
  return sums;
}

/** The outermost nodes of a group: no two lie under one another. O(nodes). */
export function outermostNodes({ nodes }: Profile, grouping: Grouping, key: number): Int32Array {
  const found: number[] = [];
  for (let node = 0; node < nodes.length; ) {
    if (grouping.keyOfFrame[nodes.frame[node]!] === key) {
      found.push(node);
      node = nodes.end[node]!;
    } else node++;
  }
  return Int32Array.from(found);
}

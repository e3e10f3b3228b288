// Values of sites summed up the call tree: what each node allocated itself, and with its callees.
// Sums equal totals: inclusive[0] is the sum over all sites. O(sites + nodes).

import type { Nodes, Profile } from "./profile";
import type { SiteValues } from "./site_values";

export interface Totals {
  /** Of the node's own sites. In a comparison B less A. */
  self: Float64Array;
  /** With everything it called. */
  inclusive: Float64Array;
  /**
   * How wide a node is drawn: its inclusive value; in a comparison the bytes that changed under it, grown
   * plus shrunk, so that what grew never hides what shrank.
   */
  weight: Float64Array;
  selfWeight: Float64Array;
  /** Blocks or allocations behind `self`; null where the metric is a count. Summed when first read. */
  readonly selfCount: Float64Array | null;
  /** A's values, in a comparison. */
  baseSelf: Float64Array | null;
  base: Float64Array | null;
  /** Of the whole program. */
  total: number;
}

/** Each node's own value, from its sites. */
export function selfOf(profile: Profile, values: Float64Array): Float64Array {
  const self = new Float64Array(profile.nodes.length);
  const { node } = profile.sites;
  for (let site = 0; site < values.length; site++) self[node[site]!]! += values[site]!;
  return self;
}

export function inclusiveOf(nodes: Nodes, self: Float64Array): Float64Array {
  const inclusive = Float64Array.from(self);
  const { parent } = nodes;
  for (let node = nodes.length - 1; node > 0; node--) inclusive[parent[node]!]! += inclusive[node]!;
  return inclusive;
}

export function totalsOf(profile: Profile, { values, counts, base }: SiteValues): Totals {
  const { nodes } = profile;
  const self = selfOf(profile, values);
  const inclusive = inclusiveOf(nodes, self);
  let selfCount: Float64Array | null = null;
  const baseSelf = base && selfOf(profile, base);
  const selfWeight = base ? self.map(Math.abs) : self;
  return {
    self,
    inclusive,
    selfWeight,
    weight: base ? inclusiveOf(nodes, selfWeight) : inclusive,
    get selfCount() {
      selfCount ??= counts && selfOf(profile, counts);
      return selfCount;
    },
    baseSelf,
    base: baseSelf && inclusiveOf(nodes, baseSelf),
    total: inclusive[0]!,
  };
}

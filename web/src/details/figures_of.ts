// All figures of what is selected, itself and with its callees; and its split over domains and threads.

import { FIGURES, type FigureName } from "../profile/figures";
import type { ReportState, Selection } from "../state/report_state";

export interface SelectionFigures {
  self: Record<FigureName, number>;
  inclusive: Record<FigureName, number>;
  /** Of the metric asked about, with callees. */
  domains: Float64Array;
  threads: Float64Array;
}

const zero = () =>
  Object.fromEntries(FIGURES.map((name) => [name, 0])) as Record<FigureName, number>;

/** O(nodes + sites). */
export function figuresOf(state: ReportState, selection: Selection): SelectionFigures {
  const { nodes, sites, manifest } = state.profile;
  const { keyOfFrame } = state.grouping(selection.kind);
  const under = new Uint8Array(nodes.length);
  const own = new Uint8Array(nodes.length);
  for (let node = 0; node < nodes.length; node++) {
    if (keyOfFrame[nodes.frame[node]!] === selection.key) own[node] = under[node] = 1;
    else if (nodes.parent[node]! > 0 && under[nodes.parent[node]!] === 1) under[node] = 1;
  }
  const figures: SelectionFigures = {
    self: zero(),
    inclusive: zero(),
    domains: new Float64Array(manifest.domains.length),
    threads: new Float64Array(manifest.threads.length),
  };
  const { values } = state.values.value;
  for (let site = 0; site < sites.length; site++) {
    const node = sites.node[site]!;
    if (under[node] === 0) continue;
    figures.domains[sites.domain[site]!]! += values[site]!;
    figures.threads[sites.thread[site]!]! += values[site]!;
    for (const name of FIGURES) {
      const value = sites.figures[name][site]!;
      const put = (to: Record<FigureName, number>) => {
        to[name] = name === "largest_bytes" ? Math.max(to[name], value) : to[name] + value;
      };
      put(figures.inclusive);
      if (own[node] === 1) put(figures.self);
    }
  }
  return figures;
}

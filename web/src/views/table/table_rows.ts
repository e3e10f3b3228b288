// The rows of the table for each way to group: what they are called and what they hold.

import { type GroupKind, groupTotals, selfByGroup } from "../../profile/grouping";
import type { ReportState } from "../../state/report_state";

export type TableBy = GroupKind | "site" | "domain" | "thread";

export const TABLE_BY: readonly { id: TableBy; label: string }[] = [
  { id: "function", label: "Function" },
  { id: "line", label: "Line" },
  { id: "file", label: "File" },
  { id: "module", label: "Module" },
  { id: "distribution", label: "Library" },
  { id: "site", label: "Site (stack and domain)" },
  { id: "domain", label: "Domain" },
  { id: "thread", label: "Thread" },
];

export const isGroup = (by: TableBy): by is GroupKind =>
  by !== "site" && by !== "domain" && by !== "thread";

export interface TableRows {
  length: number;
  self: Float64Array;
  /** null where a row calls nothing: sites, domains, threads. */
  inclusive: Float64Array | null;
  count: Float64Array | null;
  /** A's figures, in a comparison: inclusive where there is such, else self. */
  base: Float64Array | null;
  /** A frame that stands for the row; 0 for none. */
  frame(row: number): number;
  name(row: number): string;
  place(row: number): string;
}

function sumsBy(keys: Int32Array, length: number, values: Float64Array): Float64Array {
  const sums = new Float64Array(length);
  for (let i = 0; i < values.length; i++) sums[keys[i]!]! += values[i]!;
  return sums;
}

function ofGroups(state: ReportState, by: GroupKind): TableRows {
  const { profile, names } = state;
  const grouping = state.grouping(by);
  const totals = state.totals.value;
  const { self, inclusive } = state.groupTotals(by);
  const { selfCount, baseSelf, base } = totals;
  const frame = (row: number) => grouping.exampleFrame[row]!;
  return {
    length: grouping.length,
    self,
    inclusive,
    count: selfCount && selfByGroup(profile, grouping, selfCount),
    base: baseSelf && base && groupTotals(profile, grouping, baseSelf, base).inclusive,
    frame,
    name: (row) =>
      by === "line" && frame(row) !== 0 ? names.function(frame(row)) : names.group(grouping, row),
    place: (row) => (by === "line" || by === "function" ? names.place(frame(row)) : ""),
  };
}

function ofSites(state: ReportState): TableRows {
  const { sites, nodes, manifest } = state.profile;
  const { values, counts, base } = state.values.value;
  const frame = (row: number) => nodes.frame[sites.node[row]!]!;
  return {
    length: sites.length,
    self: values,
    inclusive: null,
    count: counts,
    base,
    frame,
    name: (row) => state.names.function(frame(row)),
    place: (row) =>
      [
        state.names.place(frame(row)),
        manifest.domains[sites.domain[row]!],
        manifest.threads.length > 1 ? manifest.threads[sites.thread[row]!] : "",
      ]
        .filter(Boolean)
        .join(" \u00b7 "),
  };
}

function ofNamed(state: ReportState, keys: Int32Array, labels: string[]): TableRows {
  const { values, counts, base } = state.values.value;
  const sums = (column: Float64Array) => sumsBy(keys, labels.length, column);
  return {
    length: labels.length,
    self: sums(values),
    inclusive: null,
    count: counts && sums(counts),
    base: base && sums(base),
    frame: () => 0,
    name: (row) => labels[row]!,
    place: () => "",
  };
}

export function tableRows(state: ReportState, by: TableBy): TableRows {
  const { sites, manifest } = state.profile;
  if (by === "site") return ofSites(state);
  if (by === "domain") return ofNamed(state, sites.domain, manifest.domains);
  if (by === "thread") return ofNamed(state, sites.thread, manifest.threads);
  return ofGroups(state, by);
}

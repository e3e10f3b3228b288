// What the reader has chosen, as the address has it after "#".

import type { HeapState } from "../heap/heap_state";
import { heapStep, readHeapFrom, writeHeapTo } from "../heap/heap_url";
import { METRICS } from "../profile/figures";
import { GROUPINGS, type GroupKind } from "../profile/grouping";
import { TABLE_BY } from "../views/table/table_rows";
import type { InHash } from "./hash";
import type { ReportState } from "./report_state";

const integers = (text: string | null): number[] | null => {
  const numbers = text?.split("-").map(Number) ?? [];
  return numbers.length > 0 && numbers.every((n) => Number.isInteger(n) && n >= 0) ? numbers : null;
};

const oneOf = <Id extends string>(ids: readonly Id[], text: string | null): Id | null =>
  ids.find((id) => id === text) ?? null;

export function writeHash(state: ReportState): string {
  const written = new URLSearchParams();
  const put = (name: string, value: string | null | undefined, usual = "") => {
    if (value && value !== usual) written.set(name, value);
  };
  put("view", state.view.value, "flame");
  put("metric", state.metric.value, "peak");
  const range = state.range.value;
  put("ticks", range && `${range.first}-${range.last}`);
  const threads = state.threads.value;
  put("threads", threads && [...threads].join("-"));
  const selection = state.selection.value;
  put("select", selection && `${selection.kind}-${selection.key}`);
  put("search", state.search.value);
  put("rows", state.tableBy.value, "line");
  put("below", state.flameTable.value ? null : "0");
  put("bars", state.flameBy.value, "line");
  put("inverted", state.flameInverted.value ? "1" : null);
  put("imports", state.foldImports.value ? null : "1");
  put("upward", state.flameUpward.value ? "1" : null);
  put("named", state.flameLabel.value, "name");
  const focus = state.flameFocus.value;
  if (state.treeIsWhole.value) put("zoom", focus.node > 0 ? String(focus.node) : null);
  if (state.heap) writeHeapTo(written, state.heap);
  return written.toString();
}

/** Takes over what the hash says and this report can follow; the rest is left as it is. */
export function readHash(state: ReportState, hash: string): void {
  const read = new URLSearchParams(hash.replace(/^#/, ""));
  const { profile } = state;
  if (state.heap) readHeapFrom(read, state.heap);
  state.view.value = read.get("view") ?? "flame";
  state.flameBy.value = oneOf(GROUPINGS, read.get("bars")) ?? "line";
  state.flameInverted.value = read.get("inverted") === "1";
  state.foldImports.value = read.get("imports") !== "1";
  state.flameUpward.value = read.get("upward") === "1";
  state.flameLabel.value = read.get("named") === "source" ? "source" : "name";
  state.search.value = read.get("search") ?? "";
  state.tableBy.value =
    oneOf(
      TABLE_BY.map(({ id }) => id),
      read.get("rows"),
    ) ?? "line";
  state.flameTable.value = read.get("below") !== "0";
  const ticks = integers(read.get("ticks"));
  const [first = 0, last = 0] = ticks ?? [];
  const valid = ticks?.length === 2 && first <= last && last < profile.ticks.length;
  state.setRange(valid && profile.changes ? { first, last } : null);
  const metric = oneOf(
    METRICS.map(({ id }) => id),
    read.get("metric"),
  );
  if (metric && state.metrics().some(({ id }) => id === metric)) state.metric.value = metric;
  const threads = integers(read.get("threads"))?.filter((n) => n < profile.manifest.threads.length);
  state.threads.value = threads && threads.length > 0 ? new Set(threads) : null;
  const [kind = "", key = ""] = (read.get("select") ?? "").split("-");
  const group = oneOf(GROUPINGS, kind) as GroupKind | null;
  const number = Number(key);
  state.selection.value =
    group && Number.isInteger(number) && number >= 0 && number < state.grouping(group).length
      ? { kind: group, key: number }
      : null;
  const [zoom = 0] = integers(read.get("zoom")) ?? [];
  if (state.treeIsWhole.value && zoom < profile.nodes.length) state.zoom({ node: zoom, from: -1 });
}

/** The state of a run's report, for the address. */
export const runInHash = (state: ReportState): InHash => ({
  write: () => writeHash(state),
  read: (hash) => readHash(state, hash),
  step: () => (state.heap && state.view.value === "heap" ? heapStep(state.heap) : ""),
});

/** The state of a snapshot's report. */
export const heapInHash = (state: HeapState): InHash => ({
  write: () => {
    const written = new URLSearchParams();
    writeHeapTo(written, state);
    return written.toString();
  },
  read: (hash) => readHeapFrom(new URLSearchParams(hash.replace(/^#/, "")), state),
  step: () => heapStep(state),
});

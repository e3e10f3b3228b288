// What the timeline draws: columns over one time axis, null where nothing is known.

import uPlot from "uplot";
import type { Profile, Ticks } from "../profile/profile";
import { liveByTick } from "../profile/site_values";
import type { ReportState } from "../state/report_state";

export interface Series {
  id: string;
  label: string;
  /** The CSS variable of its colour. */
  colour: string;
  dash: number[];
  filled: boolean;
  width: number;
}

export interface TimelineData {
  series: Series[];
  /** The time axis, then one column for each series. */
  aligned: uPlot.AlignedData;
}

type Column = (number | null)[];

const known = (values: Float64Array): Column =>
  Array.from(values, (value) => (Number.isNaN(value) ? null : value));

const times = (ticks: Ticks): number[] => Array.from(ticks.end_s);

/** Parts of the RSS ledger that are slack, added up and put to the ticks. */
function slack({ manifest, ticks }: Profile): Column | null {
  const ledger = manifest.rss_over_time;
  const parts = ledger?.parts.filter(({ part }) => /slack/i.test(part)) ?? [];
  if (!ledger || parts.length === 0 || ledger.time_s.length === 0) return null;
  let at = 0;
  return times(ticks).map((time) => {
    while (at + 1 < ledger.time_s.length && ledger.time_s[at + 1]! <= time + 1e-9) at++;
    let sum: number | null = null;
    for (const { bytes } of parts) {
      const value = bytes[at];
      if (value !== null && value !== undefined) sum = (sum ?? 0) + value;
    }
    return sum;
  });
}

/** Peaks are points of the heap's curve: a tick's highest is drawn at its end, but where it lay is known. */
function withPeaks(profile: Profile, data: uPlot.AlignedData, heap: number): uPlot.AlignedData {
  const { ticks, manifest } = profile;
  const peaks = manifest.peaks
    .filter(({ at_s }) => at_s > 0 && at_s < (ticks.end_s.at(-1) ?? 0))
    .sort((a, b) => a.at_s - b.at_s);
  const live = ticks.column("live_bytes");
  const shown = [...(data[heap] as Column)];
  if (live)
    for (const { at_s } of peaks) {
      // The tick of the peak ends at what was live then.
      const tick = ticks.end_s.findIndex((end) => end >= at_s);
      if (tick >= 0 && !Number.isNaN(live[tick]!)) shown[tick + 1] = live[tick]!;
    }
  const joined = uPlot.join([
    [...data.slice(0, heap), shown, ...data.slice(heap + 1)] as uPlot.AlignedData,
    [peaks.map(({ at_s }) => at_s), peaks.map(({ bytes }) => bytes)],
  ]) as (number | null | undefined)[][];
  const at = joined.pop()!;
  joined[heap] = joined[heap]!.map((value, i) => at[i] ?? value);
  return joined as uPlot.AlignedData;
}

const heapOf = (ticks: Ticks) => ticks.column("max_live_bytes") ?? ticks.column("live_bytes");

function comparison(profile: Profile): TimelineData {
  const before = profile.base_ticks!;
  const of = (ticks: Ticks, values: Float64Array | null): [number[], Column] => [
    times(ticks),
    values ? known(values) : times(ticks).map(() => null),
  ];
  const tables = [
    of(before, before.column("rss_bytes")),
    of(profile.ticks, profile.ticks.column("rss_bytes")),
    of(before, heapOf(before)),
    of(profile.ticks, heapOf(profile.ticks)),
  ];
  const line = { filled: false, width: 2, dash: [] };
  return {
    series: [
      { ...line, id: "rss-a", label: "RSS, A", colour: "rss", width: 1.5, dash: [3, 3] },
      { ...line, id: "rss-b", label: "RSS, B", colour: "rss", width: 1.5 },
      { ...line, id: "heap-a", label: "Heap, A", colour: "heap", dash: [5, 4] },
      { ...line, id: "heap-b", label: "Heap, B", colour: "heap" },
    ],
    aligned: uPlot.join(tables as uPlot.AlignedData[]),
  };
}

/** Live bytes over time of what a selection covers, with its callees. */
function ofSelection(state: ReportState): Column | null {
  const { profile } = state;
  const selection = state.selection.value;
  if (!selection || !profile.changes) return null;
  const { keyOfFrame } = state.grouping(selection.kind);
  const { nodes, sites } = profile;
  const covered = new Uint8Array(nodes.length);
  for (let node = 0; node < nodes.length; node++)
    if (covered[nodes.parent[node]!] === 1 || keyOfFrame[nodes.frame[node]!] === selection.key)
      covered[node] = 1;
  return known(
    liveByTick(profile.changes, profile.ticks.length, (site) => covered[sites.node[site]!] === 1),
  );
}

export function timelineData(state: ReportState): TimelineData {
  const { profile } = state;
  if (profile.base_ticks) return comparison(profile);
  const { ticks, changes, sites, manifest } = profile;
  const series: Series[] = [];
  const columns: Column[] = [];
  const add = (
    column: Column | null,
    entry: Partial<Series> & Omit<Series, "dash" | "filled" | "width">,
  ) => {
    if (!column || column.every((value) => value === null)) return;
    series.push({ dash: [], filled: false, width: 1.5, ...entry });
    columns.push(column);
  };
  const fromZero = (values: Float64Array): Column => [0, ...known(values)];
  const rss = ticks.column("rss_bytes");
  add(rss && [null, ...known(rss)], {
    id: "rss",
    label: "RSS",
    colour: "rss",
    filled: true,
    width: 1,
  });
  const slackColumn = slack(profile);
  add(slackColumn && [null, ...slackColumn], {
    id: "slack",
    label: "Allocator slack",
    colour: "slack",
    dash: [2, 3],
  });
  if (changes) {
    const python = new Set(["object", "mem", "raw"].map((name) => manifest.domains.indexOf(name)));
    const live = liveByTick(changes, ticks.length, (site) => python.has(sites.domain[site]!));
    add(fromZero(live), { id: "python", label: "Python objects", colour: "python", dash: [6, 3] });
  }
  const heap = heapOf(ticks);
  add(heap && fromZero(heap), { id: "heap", label: "Heap", colour: "heap", width: 2 });
  const heapColumn = columns.length;
  const selected = ofSelection(state);
  add(selected && [0, ...selected], {
    id: "selection",
    label: "Selection",
    colour: "mark",
    width: 2,
    dash: [1, 2],
  });
  if (ticks.length === 0) return { series: [], aligned: [[]] };
  const aligned = [[0, ...times(ticks)], ...columns] as uPlot.AlignedData;
  return { series, aligned: heap ? withPeaks(profile, aligned, heapColumn) : aligned };
}

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
  const rss = ticks.column("rss_bytes");
  add(rss && known(rss), { id: "rss", label: "RSS", colour: "rss", filled: true, width: 1 });
  add(slack(profile), { id: "slack", label: "Allocator slack", colour: "slack", dash: [2, 3] });
  if (changes) {
    const python = new Set(["object", "mem", "raw"].map((name) => manifest.domains.indexOf(name)));
    const live = liveByTick(changes, ticks.length, (site) => python.has(sites.domain[site]!));
    add(known(live), { id: "python", label: "Python objects", colour: "python", dash: [6, 3] });
  }
  const heap = heapOf(ticks);
  add(heap && known(heap), { id: "heap", label: "Heap", colour: "heap", width: 2 });
  add(ofSelection(state), {
    id: "selection",
    label: "Selection",
    colour: "mark",
    width: 2,
    dash: [1, 2],
  });
  return { series, aligned: [times(ticks), ...columns] as uPlot.AlignedData };
}

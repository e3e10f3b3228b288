// The answer to a question for each site: its figure, and the blocks or allocations behind it.
// Sites of threads that were not asked for are 0. O(sites + changes).
//
// Of changes: live at the end of tick t, born in [a, b] = sum of live over born in [a, b] and tick <= t.

import { type FigureName, type MetricId, metricOf } from "./figures";
import type { Changes, Figures, Profile } from "./profile";
import type { Question, TickRange } from "./question";

export interface SiteValues {
  values: Float64Array;
  /** null where the metric is itself a count. */
  counts: Float64Array | null;
  /** The values of A, when two captures are compared; `values` are then B less A. */
  base: Float64Array | null;
}

type Pair = [values: Float64Array, counts: Float64Array | null];

/** Live at the end of tick `at`, of what was born in [from, to]. */
function liveAt(changes: Changes, sites: number, at: number, from: number, to: number): Pair {
  const bytes = new Float64Array(sites);
  const blocks = new Float64Array(sites);
  const { site, tick, born, live_bytes, live_blocks } = changes;
  for (let i = 0; i < changes.length; i++) {
    if (tick[i]! > at || born[i]! < from || born[i]! > to) continue;
    const target = site[i]!;
    bytes[target]! += live_bytes[i]!;
    blocks[target]! += live_blocks[i]!;
  }
  return [bytes, blocks];
}

function allocatedIn(changes: Changes, sites: number, { first, last }: TickRange): Pair {
  const bytes = new Float64Array(sites);
  const blocks = new Float64Array(sites);
  const { site, tick, allocated_bytes, allocated_blocks } = changes;
  for (let i = 0; i < changes.length; i++) {
    if (tick[i]! < first || tick[i]! > last) continue;
    const target = site[i]!;
    bytes[target]! += allocated_bytes[i]!;
    blocks[target]! += allocated_blocks[i]!;
  }
  return [bytes, blocks];
}

/** What is live at the end of each tick. O(changes). */
export function liveByTick(
  changes: Changes,
  ticks: number,
  wanted: (site: number) => boolean,
): Float64Array {
  const live = new Float64Array(ticks);
  for (let i = 0; i < changes.length; i++)
    if (wanted(changes.site[i]!)) live[changes.tick[i]!]! += changes.live_bytes[i]!;
  for (let tick = 1; tick < ticks; tick++) live[tick]! += live[tick - 1]!;
  return live;
}

/** The tick of a range at whose end most bytes were live, of the threads asked for. */
export function highestTick(
  profile: Profile,
  range: TickRange,
  threads: Question["threads"],
): number {
  const { changes, sites, ticks } = profile;
  if (!changes) return range.last;
  const live = liveByTick(
    changes,
    ticks.length,
    (site) => threads?.has(sites.thread[site]!) ?? true,
  );
  let highest = range.first;
  for (let tick = range.first; tick <= range.last; tick++)
    if (live[tick]! > live[highest]!) highest = tick;
  return highest;
}

function less(of: Float64Array, by: Float64Array): Float64Array {
  return of.map((value, i) => value - by[i]!);
}

function inRange(profile: Profile, changes: Changes, question: Question, range: TickRange): Pair {
  const sites = profile.sites.length;
  switch (question.metric) {
    case "peak":
      return liveAt(changes, sites, highestTick(profile, range, question.threads), 0, range.last);
    case "live":
      return liveAt(changes, sites, range.last, 0, range.last);
    case "kept":
      return liveAt(changes, sites, range.last, range.first, range.last);
    case "allocations":
      return [allocatedIn(changes, sites, range)[1]!, null];
    case "allocated":
      return allocatedIn(changes, sites, range);
    default: {
      const [bytes, blocks] = allocatedIn(changes, sites, range);
      const [kept, keptBlocks] = liveAt(changes, sites, range.last, range.first, range.last);
      return [less(bytes, kept), less(blocks!, keptBlocks!)];
    }
  }
}

function ofRun(figures: Figures, metric: MetricId): Pair {
  const { figure, counter } = metricOf(metric);
  const name: FigureName = figure ?? "live_bytes";
  return [figures[name], counter && figures[counter]];
}

/** A copy in which sites of other threads are 0. */
function ofThreads(values: Float64Array, profile: Profile, threads: ReadonlySet<number>) {
  const { thread } = profile.sites;
  return values.map((value, site) => (threads.has(thread[site]!) ? value : 0));
}

export function siteValues(profile: Profile, question: Question): SiteValues {
  const { sites, changes } = profile;
  const { range, threads, metric } = question;
  const [all, allCounts] =
    range && changes ? inRange(profile, changes, question, range) : ofRun(sites.figures, metric);
  const chosen = (values: Float64Array) => (threads ? ofThreads(values, profile, threads) : values);
  const values = chosen(all);
  const counts = allCounts && chosen(allCounts);
  if (!sites.base) return { values, counts, base: null };
  const [baseAll, baseCounts] = ofRun(sites.base, metric);
  const base = chosen(baseAll);
  return {
    values: less(values, base),
    counts: counts && baseCounts && less(counts, chosen(baseCounts)),
    base,
  };
}

// What each thread has: every figure of the run, the metric that was asked for, and its live bytes over time.

import type { Figures, Profile } from "../../profile/profile";
import { liveByTick } from "../../profile/site_values";

export const THREAD_FIGURES = [
  "peak_bytes",
  "live_bytes",
  "allocated_bytes",
  "allocations",
  "temporary_bytes",
] as const;
export type ThreadFigure = (typeof THREAD_FIGURES)[number];

export type ThreadSums = Record<ThreadFigure, Float64Array>;

/** Sums over the sites of each thread; in a comparison B less A. O(sites). */
export function threadSums({ manifest, sites }: Profile): ThreadSums {
  const sumsOf = (name: ThreadFigure) => {
    const sums = new Float64Array(manifest.threads.length);
    const add = (figures: Figures, sign: number) => {
      for (let site = 0; site < sites.length; site++)
        sums[sites.thread[site]!]! += sign * figures[name][site]!;
    };
    add(sites.figures, 1);
    if (sites.base) add(sites.base, -1);
    return sums;
  };
  return {
    peak_bytes: sumsOf("peak_bytes"),
    live_bytes: sumsOf("live_bytes"),
    allocated_bytes: sumsOf("allocated_bytes"),
    allocations: sumsOf("allocations"),
    temporary_bytes: sumsOf("temporary_bytes"),
  };
}

/** Live bytes of one thread's blocks at the end of each tick; null in a comparison. O(changes). */
export function threadCurve(
  { changes, sites, ticks }: Profile,
  thread: number,
): Float64Array | null {
  return changes && liveByTick(changes, ticks.length, (site) => sites.thread[site] === thread);
}

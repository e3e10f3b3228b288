// What a reader asks: which metric, of which range of ticks, of which threads.

import type { MetricId } from "./figures";

export interface TickRange {
  /** First and last tick, both inside. */
  first: number;
  last: number;
}

export interface Question {
  metric: MetricId;
  /** null: the whole run. */
  range: TickRange | null;
  /** Indices into the manifest's threads; null: all. */
  threads: ReadonlySet<number> | null;
}

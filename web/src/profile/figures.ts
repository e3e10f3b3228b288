// The nine figures of a site, and the metrics that a reader chooses among.

export const FIGURES = [
  "peak_bytes",
  "peak_blocks",
  "live_bytes",
  "live_blocks",
  "allocated_bytes",
  "allocations",
  "temporary_bytes",
  "temporary_allocations",
  "largest_bytes",
] as const;
export type FigureName = (typeof FIGURES)[number];

export type MetricId =
  | "peak"
  | "live"
  | "allocated"
  | "allocations"
  | "temporary"
  | "kept"
  | "freed";

export interface Metric {
  id: MetricId;
  label: string;
  /** What the figure is, for a range of time too; ends a sentence. */
  meaning: string;
  meaningInRange: string;
  unit: "bytes" | "count";
  /** The figure of the whole run, and the blocks or allocations behind it; null: needs a range. */
  figure: FigureName | null;
  counter: FigureName | null;
  /** Whether a range of time can answer it. */
  inRange: boolean;
}

export const METRICS: readonly Metric[] = [
  {
    id: "peak",
    label: "Peak",
    meaning: "bytes at the instant of the highest total",
    meaningInRange: "bytes at the end of the range's highest tick",
    unit: "bytes",
    figure: "peak_bytes",
    counter: "peak_blocks",
    inRange: true,
  },
  {
    id: "live",
    label: "Live at end",
    meaning: "bytes still live when tracking stopped",
    meaningInRange: "bytes live at the end of the range, whenever allocated",
    unit: "bytes",
    figure: "live_bytes",
    counter: "live_blocks",
    inRange: true,
  },
  {
    id: "kept",
    label: "Kept",
    meaning: "bytes allocated and still live at the end",
    meaningInRange: "bytes allocated in the range and still live at its end",
    unit: "bytes",
    figure: null,
    counter: null,
    inRange: true,
  },
  {
    id: "freed",
    label: "Freed inside",
    meaning: "bytes allocated and freed",
    meaningInRange: "bytes both allocated and freed inside the range",
    unit: "bytes",
    figure: null,
    counter: null,
    inRange: true,
  },
  {
    id: "allocated",
    label: "Allocated",
    meaning: "bytes ever allocated",
    meaningInRange: "bytes allocated in the range",
    unit: "bytes",
    figure: "allocated_bytes",
    counter: "allocations",
    inRange: true,
  },
  {
    id: "allocations",
    label: "Allocations",
    meaning: "number of allocations",
    meaningInRange: "number of allocations in the range",
    unit: "count",
    figure: "allocations",
    counter: null,
    inRange: true,
  },
  {
    id: "temporary",
    label: "Temporary",
    meaning: "bytes freed before the same thread\u2019s 8th later allocation",
    meaningInRange: "",
    unit: "bytes",
    figure: "temporary_bytes",
    counter: "temporary_allocations",
    inRange: false,
  },
];

export function metricOf(id: MetricId): Metric {
  return METRICS.find((metric) => metric.id === id) ?? METRICS[0]!;
}

/** The metrics that can be asked: about the whole run, or about a range of it. */
export function metricsFor(ranged: boolean): readonly Metric[] {
  return METRICS.filter((metric) => (ranged ? metric.inRange : metric.figure !== null));
}

/** The metric that asks the same when a range is set or lifted. */
export function metricInstead(id: MetricId, ranged: boolean): MetricId {
  if (ranged) return id === "temporary" ? "freed" : id;
  if (id === "kept") return "live";
  return id === "freed" ? "temporary" : id;
}

// The manifest, as docs/dev/report-payload.md describes it. Unknown figures are null.

export const SCHEMA = "heapscope/report/1";

export interface Summary {
  capture: string;
  command: string[];
  python_version: string;
  started_at: string;
  duration_s: number;
  exit_status: number | null;
  mode: "exact" | "sampled";
  sample_interval_bytes: number | null;
  peak_bytes: number;
  peak_at_s: number | null;
  live_bytes_at_end: number;
  allocated_bytes: number;
  freed_bytes: number;
  allocations: number;
  temporary_bytes: number;
  temporary_allocations: number;
  peak_rss_bytes: number | null;
  python_peak_bytes: number | null;
  native_peak_bytes: number | null;
  sites: number;
  threads: number;
  tick_s: number | null;
  tracker: {
    bytes: number;
    cpu_s: number | null;
    events_lost: number;
    unwalkable_stacks: number;
    frees_of_unknown: number;
    [key: string]: unknown;
  };
  complete: boolean;
  damage?: string[];
}

export interface LeakRow {
  file: string;
  line: number | null;
  function: string;
  stack: { function: string; file: string; line: number | null }[];
  live_bytes: number;
  growth_bytes: number;
  growth_bytes_per_s: number;
  pattern: "growing" | "steps" | "plateau" | "sawtooth";
  suspect: boolean;
  reason: string;
  /** At the end of each of a few equal parts of the run. */
  live_bytes_over_time?: number[];
}

/** Rows that are not in a document, and what they hold. */
export interface Hidden {
  rows: number;
  bytes: number;
}

export interface Leaks {
  duration_s: number;
  too_short?: boolean;
  rows: LeakRow[];
  hidden?: Hidden;
  folded?: Hidden;
}

export interface RssLedger {
  at_s: number | null;
  rss_bytes: number | null;
  unexplained_bytes: number | null;
  rows: { part: string; bytes: number | null; absent_bytes?: number | null }[];
  advice?: string | null;
}

export interface RssOverTime {
  time_s: number[];
  parts: { part: string; bytes: (number | null)[] }[];
}

export interface RecordedEvent {
  kind: string;
  label: string;
  begin_s: number;
  /** Null: it was open when the program was killed. */
  end_s: number | null;
  thread?: string | null;
  begin_live_bytes?: number;
  end_live_bytes?: number | null;
  /** How many it stands for. */
  count?: number;
  inside_s?: number;
}

export type ColumnType = "u8" | "u16" | "u32" | "i32" | "f64";

export interface Manifest {
  schema: string;
  kind: "run" | "diff" | "heap";
  title: string;
  /** Of a heap snapshot: base64 of its deflated document (heap/heap_data.ts). Alone when kind is "heap". */
  heap?: string;
  summary: Summary;
  base_summary: Summary | null;
  leaks: Leaks | null;
  rss: RssLedger | null;
  rss_over_time: RssOverTime | null;
  peaks: { at_s: number; bytes: number }[];
  threads: string[];
  domains: string[];
  owners: string[];
  events: RecordedEvent[];
  sources: { files: number; left_out: number; reason: string | null; changed: number[] };
  columns: { name: string; type: ColumnType; length: number; delta: boolean }[];
}

// Where marks and spans lie over the timeline: spans in rows by nesting, what is too narrow to see merged.

import type { RecordedEvent } from "../payload/manifest";

export interface Bar {
  event: RecordedEvent;
  row: number;
  begin_s: number;
  end_s: number;
}

export interface EventRows {
  /** Spans and collections that have a length, by begin; a row's bars do not overlap. */
  bars: Bar[];
  marks: Bar[];
  rows: number;
  /** Spans that lie deeper than the rows that are shown. */
  hidden: number;
}

export const MOST_ROWS = 4;
export const ROW_HEIGHT = 13;

/** Whether an event is drawn as a moment. */
export const isMark = ({ kind }: RecordedEvent) => kind === "mark";

/** Its label, and how many it stands for. */
export const wordsOf = ({ label, count }: RecordedEvent): string =>
  (count ?? 1) > 1 ? `${label} \u00d7${count!.toLocaleString("en")}` : label;

/** Puts each span into the first row that is free from its begin on: what is nested lies below. */
export function eventRows(events: readonly RecordedEvent[], duration_s: number): EventRows {
  const placed = events.map((event) => ({
    event,
    row: 0,
    begin_s: event.begin_s,
    end_s: Math.max(event.begin_s, event.end_s ?? duration_s),
  }));
  placed.sort((a, b) => a.begin_s - b.begin_s || b.end_s - a.end_s);
  const result: EventRows = { bars: [], marks: [], rows: 0, hidden: 0 };
  const ends: number[] = [];
  for (const bar of placed) {
    if (isMark(bar.event)) {
      result.marks.push(bar);
      continue;
    }
    bar.row = ends.findIndex((end) => end <= bar.begin_s);
    if (bar.row < 0) bar.row = ends.length;
    if (bar.row >= MOST_ROWS) {
      result.hidden++;
      continue;
    }
    ends[bar.row] = bar.end_s;
    result.bars.push(bar);
    result.rows = Math.max(result.rows, bar.row + 1);
  }
  return result;
}

/** What lies at a place: a bar of its row, else the nearest mark; lengths in the same unit as `reach_s`. */
export function eventAt(
  { bars, marks }: EventRows,
  at_s: number,
  row: number,
  reach_s: number,
): Bar | null {
  const near = ({ begin_s, end_s }: Bar) => Math.max(begin_s - at_s, at_s - end_s, 0);
  const nearest = (among: readonly Bar[]) => {
    let found: Bar | null = null;
    for (const bar of among)
      if (near(bar) <= reach_s && (!found || near(bar) < near(found))) found = bar;
    return found;
  };
  return nearest(bars.filter((bar) => bar.row === row)) ?? nearest(marks);
}

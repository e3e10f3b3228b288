// Where marks and spans lie over the timeline.

import { expect, test } from "vitest";
import type { RecordedEvent } from "../../../web/src/payload/manifest";
import { eventAt, eventRows, MOST_ROWS, wordsOf } from "../../../web/src/timeline/event_rows";
import { chance } from "../fixtures/random_recording";

const span = (label: string, begin_s: number, end_s: number | null): RecordedEvent => ({
  kind: "span",
  label,
  begin_s,
  end_s,
});
const mark = (label: string, at: number): RecordedEvent => ({
  kind: "mark",
  label,
  begin_s: at,
  end_s: at,
});

test("a span within another lies below it, one after it beside it", () => {
  const { bars, rows } = eventRows(
    [span("outer", 0, 10), span("inner", 2, 5), span("innermost", 3, 4), span("next", 5, 6)],
    12,
  );
  expect(bars.map(({ event, row }) => [event.label, row])).toEqual([
    ["outer", 0],
    ["inner", 1],
    ["innermost", 2],
    ["next", 1],
  ]);
  expect(rows).toBe(3);
});

test("the longer of two that begin together is the outer one, however they were written", () => {
  const { bars } = eventRows([span("short", 1, 2), span("long", 1, 3)], 4);
  expect(bars.map(({ event, row }) => [event.label, row])).toEqual([
    ["long", 0],
    ["short", 1],
  ]);
});

test("what was open at a kill lasts to the end", () => {
  expect(eventRows([span("open", 1, null)], 7).bars[0]!.end_s).toBe(7);
});

test("of what nests too deeply the number is told", () => {
  const nested = Array.from({ length: MOST_ROWS + 3 }, (_, i) => span(`s${i}`, i, 20 - i));
  const { bars, rows, hidden } = eventRows(nested, 20);
  expect([bars.length, rows, hidden]).toEqual([MOST_ROWS, MOST_ROWS, 3]);
});

test("bars of one row never overlap, and all are there", () => {
  const random = chance(5);
  for (let round = 0; round < 50; round++) {
    const events = Array.from({ length: 60 }, (_, i) => {
      const begin = Math.floor(random() * 50);
      return random() < 0.2
        ? mark(`m${i}`, begin)
        : span(`s${i}`, begin, begin + Math.floor(random() * 20));
    });
    const { bars, marks, hidden } = eventRows(events, 80);
    expect(bars.length + marks.length + hidden).toBe(events.length);
    for (const one of bars)
      for (const other of bars)
        if (one !== other && one.row === other.row)
          expect(one.end_s <= other.begin_s || other.end_s <= one.begin_s).toBe(true);
  }
});

test("a bar is under the pointer in its own row, a mark in any, within reach", () => {
  const rows = eventRows([span("outer", 0, 10), span("inner", 2, 5), mark("m", 7)], 12);
  const label = (at: number, row: number) => eventAt(rows, at, row, 0.2)?.event.label ?? null;
  expect(label(3, 0)).toBe("outer");
  expect(label(3, 1)).toBe("inner");
  expect(label(5.1, 1)).toBe("inner");
  expect(label(7.1, 5)).toBe("m");
  expect(label(8, 5)).toBe(null);
});

test("what stands for several says how many", () => {
  expect(wordsOf({ ...mark("step", 1), count: 1200 })).toBe("step \u00d71,200");
  expect(wordsOf(mark("step", 1))).toBe("step");
});

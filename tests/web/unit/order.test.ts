// The order of a table's rows against a plain sort.

import { expect, test } from "vitest";
import { orderOf } from "../../../web/src/profile/order";
import { chance } from "../fixtures/random_recording";

const random = chance(3);
const columns: Record<string, number[]> = {
  "whole numbers with equals": Array.from({ length: 500 }, () => Math.floor(random() * 60) - 30),
  "numbers too large to pack": Array.from({ length: 100 }, () => Math.floor(random() * 2 ** 53)),
  fractions: Array.from({ length: 100 }, () => random() - 0.5),
  none: [],
};

test.each(Object.entries(columns))("%s are in order, equals by their row", (_, values) => {
  for (const descending of [true, false]) {
    const sign = descending ? -1 : 1;
    const wanted = (row: number) => row % 3 !== 1;
    const expected = values
      .map((value, row) => ({ value, row }))
      .filter(({ row }) => wanted(row))
      .sort((a, b) => sign * (a.value - b.value) || a.row - b.row)
      .map(({ row }) => row);
    expect([...orderOf(values.length, wanted, values, descending)]).toEqual(expected);
  }
});

test("names are in the order of people: numbers by their size", () => {
  const names = ["line 10", "line 9", "Line 1"];
  expect([
    ...orderOf(
      3,
      () => true,
      (row) => names[row]!,
      false,
    ),
  ]).toEqual([2, 1, 0]);
});

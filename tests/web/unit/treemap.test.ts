// The treemap: areas add up, nothing is left out, tiles lie where they should.

import { describe, expect, test } from "vitest";
import { ReportState } from "../../../web/src/state/report_state";
import {
  type Area,
  areaAt,
  areasOf,
  packageOf,
  withRests,
} from "../../../web/src/views/treemap/areas";
import { neighbour, tilesOf } from "../../../web/src/views/treemap/tiles";
import { randomRecording } from "../fixtures/random_recording";
import { profileOf } from "../fixtures/read";
import { Recording } from "../fixtures/recording";

async function areas(recording: Recording, base: Recording | null = null): Promise<Area> {
  const state = new ReportState(await profileOf(recording, base), "");
  return areasOf(
    state.profile,
    state.names,
    state.grouping("function"),
    state.groupTotals("function"),
  );
}

function check(area: Area): void {
  if (area.children.length === 0) return;
  const sum = (of: (child: Area) => number) => area.children.reduce((s, c) => s + of(c), 0);
  expect(sum(({ value }) => value)).toBe(area.value);
  expect(sum(({ weight }) => weight)).toBe(area.weight);
  for (const child of area.children) check(child);
}

describe.each([1, 2, 3])("of random run %i", (seed) => {
  const recording = randomRecording(seed);

  test("every area is the sum of what is in it, and all of them are the whole", async () => {
    const whole = await areas(recording);
    check(whole);
    expect(whole.value).toBe(recording.liveAt(recording.peakTick()));
  });

  test("small areas are put together, not left out", async () => {
    const whole = await areas(recording);
    for (const least of [0, 1000, 100_000, 1e9]) {
      const shown = withRests(whole, least, 2 * least);
      check(shown);
      expect(shown.value).toBe(whole.value);
    }
  });

  test("tiles lie within their parents and do not overlap", async () => {
    const tiles = tilesOf(await areas(recording), 800, 500);
    expect(tiles.length).toBeGreaterThan(3);
    for (const [i, a] of tiles.entries()) {
      expect(a.x >= 0 && a.y >= 0 && a.x + a.width <= 800 && a.y + a.height <= 500).toBe(true);
      for (const b of tiles.slice(i + 1)) {
        const apart =
          a.x + a.width <= b.x ||
          b.x + b.width <= a.x ||
          a.y + a.height <= b.y ||
          b.y + b.height <= a.y;
        const inside = a.isOpen && b.depth > a.depth && b.x >= a.x && b.y >= a.y;
        expect(apart || inside).toBe(true);
      }
    }
  });
});

test("in a comparison areas are as large as what changed, and keep its sign", async () => {
  const before = new Recording().allocate(["f /a.py:1"], 100).allocate(["g /a.py:9@8"], 50);
  const after = new Recording().allocate(["f /a.py:1"], 30).allocate(["g /a.py:9@8"], 90);
  const whole = await areas(after, before);
  expect(whole.value).toBe(-30);
  expect(whole.weight).toBe(110);
  const [file] = whole.children[0]!.children;
  expect(file!.children.map(({ name, value }) => [name, value])).toEqual([
    ["f", -70],
    ["g", 40],
  ]);
});

test("a path of names leads to an area, as far as there is one", async () => {
  const whole = await areas(new Recording().allocate(["f /srv/work.py:1"], 8));
  expect(areaAt(whole, ["work", "/srv/work.py"]).map(({ name }) => name)).toEqual([
    "Everything",
    "work",
    "/srv/work.py",
  ]);
  expect(areaAt(whole, ["gone"])).toEqual([whole]);
});

test("a package is the first part of a module's name", () => {
  expect(["numpy.core.x", "work", "<frozen a.b>"].map(packageOf)).toEqual([
    "numpy",
    "work",
    "<frozen a.b>",
  ]);
});

test("arrow keys go to the tile that lies that way, and stay at the edge", async () => {
  const recording = new Recording();
  for (const name of ["a", "b", "c", "d"]) recording.allocate([`${name} /${name}.py:1`], 100);
  const tiles = tilesOf(await areas(recording), 400, 400);
  const leaves = tiles.flatMap(({ isOpen }, index) => (isOpen ? [] : [index]));
  const at = (index: number) => tiles[index]!;
  const topLeft = leaves.reduce((a, b) => (at(a).x + at(a).y <= at(b).x + at(b).y ? a : b));
  const right = neighbour(tiles, topLeft, "right");
  expect(at(right).x).toBeGreaterThan(at(topLeft).x);
  expect(at(right).y).toBe(at(topLeft).y);
  const down = neighbour(tiles, topLeft, "down");
  expect(at(down).y).toBeGreaterThan(at(topLeft).y);
  expect(neighbour(tiles, topLeft, "left")).toBe(topLeft);
  expect(neighbour(tiles, right, "left")).toBe(topLeft);
});

test("nothing gives no tiles", async () => {
  expect(tilesOf(await areas(new Recording()), 400, 400)).toEqual([]);
});

// Leaks, the RSS ledger over time, threads, and curves in cells.

import { describe, expect, test } from "vitest";
import type { LeakRow, RssOverTime } from "../../../web/src/payload/manifest";
import { frameFinder } from "../../../web/src/views/leaks/frame_finder";
import { foldedOf, verdictOf } from "../../../web/src/views/leaks/leaks";
import { momentAt, momentOf } from "../../../web/src/views/rss/rss";
import { gridOf, layerPath, layersOf, nearest } from "../../../web/src/views/rss/stack";
import { threadCurve, threadSums } from "../../../web/src/views/threads/thread_sums";
import { outline } from "../../../web/src/widgets/sparkline";
import { randomRecording } from "../fixtures/random_recording";
import { profileOf } from "../fixtures/read";
import { Recording } from "../fixtures/recording";

describe("leaks", () => {
  const suspect = { growth_bytes: 3 << 20 } as LeakRow;

  test("the verdict says what grew, that nothing did, or that nobody can tell", () => {
    expect(verdictOf([suspect], 4, false)).toBe("1 line keeps growing: 3.00 MiB in 4.0 s.");
    expect(verdictOf([suspect, suspect], 4, false)).toBe(
      "2 lines keep growing: 6.00 MiB in 4.0 s.",
    );
    expect(verdictOf([], 4, false)).toBe("Nothing kept growing in 4.0 s.");
    expect(verdictOf([], 0.02, true)).toContain("too short");
  });

  test("what is folded or left out is said", () => {
    expect(foldedOf({ rows: 7, bytes: 1024 }, { rows: 2, bytes: 10 })).toMatch(
      /7 lines.*2 smaller/,
    );
    expect(foldedOf({ rows: 0, bytes: 0 }, undefined)).toBe("");
  });

  test("a row leads to its frame: by function, else by line, else nowhere", async () => {
    const profile = await profileOf(
      new Recording()
        .allocate(["f /a.py:5@1"], 8)
        .allocate(["<lambda> /a.py:5"], 8)
        .allocate(["f /b.py:5@1"], 8),
    );
    const find = frameFinder(profile);
    const name = (frame: number | null) =>
      frame === null ? null : profile.strings.get(profile.frames.function[frame]!);
    expect(name(find({ function: "<lambda>", file: "/a.py", line: 5 }))).toBe("<lambda>");
    expect(name(find({ function: "renamed", file: "/b.py", line: 5 }))).toBe("f");
    expect(find({ function: "f", file: "/c.py", line: 5 })).toBeNull();
    expect(find({ function: "f", file: "/a.py", line: null })).toBeNull();
  });
});

describe("the RSS ledger", () => {
  const overTime: RssOverTime = {
    time_s: [0.5, 1, 4],
    parts: [
      { part: "objects", bytes: [10, 20, 30] },
      { part: "never", bytes: [0, 0, 0] },
      { part: "slack", bytes: [1, null, 3] },
    ],
  };

  test("layers lie one on the other, and parts that never were are none", () => {
    const layers = layersOf(overTime);
    expect(layers.map(({ part }) => part)).toEqual(["objects", "slack"]);
    expect(layers.map(({ top }) => top)).toEqual([
      [10, 20, 30],
      [11, 20, 33],
    ]);
    expect(layers.map(({ largest }) => largest)).toEqual([30, 3]);
  });

  test("a layer is drawn at its times, not at even steps", () => {
    const [objects] = layersOf(overTime);
    expect(layerPath(overTime.time_s, objects!.top, [0, 0, 0], 4, 40, 400, 100)).toBe(
      "M50.0 75.0L100.0 50.0L400.0 25.0L400.0 100.0L100.0 100.0L50.0 100.0z",
    );
    expect(layerPath([], [], [], 4, 40, 400, 100)).toBe("");
  });

  test("the nearest moment is found", () => {
    expect([0, 0.7, 0.8, 2.4, 2.6, 99].map((at) => nearest(overTime.time_s, at))).toEqual([
      0, 0, 1, 1, 2, 2,
    ]);
  });

  test("a moment's rows sum to its RSS, and the highest has the unexplained as a row", () => {
    expect(momentAt(overTime, 2).rss_bytes).toBe(33);
    const moment = momentOf({
      at_s: 2,
      rss_bytes: 100,
      unexplained_bytes: 3,
      rows: [{ part: "objects", bytes: 97 }],
    });
    expect(moment.rows.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)).toBe(100);
    expect(moment.title).toBe("100 B resident at 2.0 s");
  });

  test("lines stand at a few round figures", () => {
    expect(gridOf(300 << 20).map((bytes) => bytes >> 20)).toEqual([64, 128, 192, 256]);
    expect(gridOf(0)).toEqual([]);
  });
});

describe.each([1, 2])("threads of random run %i", (seed) => {
  const recording = randomRecording(seed);

  test("each has its own blocks, and together they have all", async () => {
    const sums = threadSums(await profileOf(recording));
    const oracle = (of: (block: (typeof recording.blocks)[number]) => number) =>
      [0, 1].map((thread) =>
        recording.blocks
          .filter((block) => block.thread === thread)
          .reduce((sum, block) => sum + of(block), 0),
      );
    const peak = recording.peakTick();
    expect([...sums.peak_bytes]).toEqual(
      oracle((block) => (Recording.isLive(block, peak) ? block.bytes : 0)),
    );
    expect([...sums.live_bytes]).toEqual(
      oracle((block) => (block.freed === null ? block.bytes : 0)),
    );
    expect([...sums.allocations]).toEqual(oracle(({ blocks }) => blocks));
  });

  test("their curves add up to the heap's", async () => {
    const profile = await profileOf(recording);
    const [main, worker] = [threadCurve(profile, 0)!, threadCurve(profile, 1)!];
    for (let tick = 0; tick < recording.ticks; tick++)
      expect(main[tick]! + worker[tick]!).toBe(recording.liveAt(tick));
  });
});

describe("a curve in a cell", () => {
  test("keeps the highest value even where many share a pixel", () => {
    const values = new Array(1000).fill(1);
    values[500] = 10;
    expect(outline(values, 10, 100, 20)).toMatch(/L[\d.]+ 0\.0L/);
  });

  test("of nothing draws nothing", () => {
    expect(outline([], 1, 10, 10)).toBe("");
    expect(outline([0, 0], 0, 10, 10)).toBe("");
  });
});

// The source view's lines against an oracle that looks at each block's stack.

import { describe, expect, test } from "vitest";
import { groupTotals } from "../../../web/src/profile/grouping";
import { siteValues } from "../../../web/src/profile/site_values";
import { totalsOf } from "../../../web/src/profile/totals";
import { ReportState } from "../../../web/src/state/report_state";
import { filesOf, heaviestFile } from "../../../web/src/views/source/file_list";
import { heaviestFrame, placesOf, placesOfFile } from "../../../web/src/views/source/places";
import { heaviestLine, whyMissing } from "../../../web/src/views/source/source";
import { lookOf } from "../../../web/src/views/source/source_text";
import { randomRecording } from "../fixtures/random_recording";
import { profileOf } from "../fixtures/read";
import { Recording } from "../fixtures/recording";

const QUESTION = { metric: "peak", range: null, threads: null } as const;

async function sumsOf(recording: Recording) {
  const profile = await profileOf(recording);
  const totals = totalsOf(profile, siteValues(profile, QUESTION));
  const places = placesOf(profile);
  const sums = groupTotals(profile, places.grouping, totals.self, totals.inclusive);
  return { profile, places, sums };
}

describe.each([1, 2, 3])("of random run %i", (seed) => {
  const recording = randomRecording(seed);
  const atPeak = recording.blocks.filter((block) => Recording.isLive(block, recording.peakTick()));

  test("a line has what its own frames allocated, and with callees each block once", async () => {
    const { profile, places, sums } = await sumsOf(recording);
    const self = new Map<string, number>();
    const inclusive = new Map<string, number>();
    for (const { stack, bytes } of atPeak) {
      const lines = stack.map(({ file, line }) => `${file}:${line}`);
      for (const line of new Set(lines)) inclusive.set(line, (inclusive.get(line) ?? 0) + bytes);
      const innermost = lines.at(-1);
      if (innermost) self.set(innermost, (self.get(innermost) ?? 0) + bytes);
    }
    const name = (file: number) => profile.strings.get(profile.files.name[file]!);
    for (let place = 0; place < places.file.length; place++) {
      if (places.grouping.exampleFrame[place] === 0) continue;
      const line = `${name(places.file[place]!)}:${places.line[place]}`;
      expect(sums.self[place]).toBe(self.get(line) ?? 0);
      expect(sums.inclusive[place]).toBe(inclusive.get(line) ?? 0);
      inclusive.delete(line);
    }
    expect([...inclusive.keys()]).toEqual([]);
  });

  test("the lines of all files sum to the whole", async () => {
    const { profile, places, sums } = await sumsOf(recording);
    let sum = 0;
    for (let file = 0; file < profile.files.length; file++)
      for (const place of placesOfFile(places, file, () => true).values()) sum += sums.self[place]!;
    expect(sum).toBe(recording.liveAt(recording.peakTick()));
  });
});

const SHARED = new Recording()
  .allocate(["outer /a.py:5@1"], 10)
  .allocate(["outer /a.py:5@1", "<lambda> /a.py:5@5"], 30)
  .allocate(["outer /a.py:5@1", "helper /usr/lib/python3.13/x.py:9@8"], 500);

test("a function and a lambda on one line are one place, counted once", async () => {
  const { places, sums, profile } = await sumsOf(SHARED);
  const file = Array.from(profile.files.name, (id) => profile.strings.get(id)).indexOf("/a.py");
  const lines = placesOfFile(places, file, () => true);
  expect([...lines.keys()]).toEqual([5]);
  expect(sums.self[lines.get(5)!]).toBe(40);
  expect(sums.inclusive[lines.get(5)!]).toBe(540);
});

test("a selected line points at the frame on it that has most", async () => {
  const { places, sums, profile } = await sumsOf(SHARED);
  const at = placesOfFile(places, profile.frames.file[1]!, () => true).get(5)!;
  const byFrame = groupTotals(
    profile,
    new ReportState(profile, "").grouping("line"),
    ...([new Float64Array(profile.nodes.length), new Float64Array(profile.nodes.length)] as const),
  );
  expect(byFrame.self.length).toBe(profile.frames.length);
  const weight = (frame: number) =>
    profile.strings.get(profile.frames.function[frame]!) === "<lambda>" ? 2 : 1;
  const frame = heaviestFrame(places, at, weight);
  expect(profile.strings.get(profile.frames.function[frame]!)).toBe("<lambda>");
  expect(sums.inclusive[at]).toBeGreaterThan(0);
});

test("a reader begins at the program's own file even where a library holds more", async () => {
  const state = new ReportState(await profileOf(SHARED), "");
  expect(state.names.file(heaviestFile(state)!)).toBe("/a.py");
  expect(filesOf(state).reduce((sum, { self }) => sum + self, 0)).toBe(540);
});

test("a file is opened at the line with most of its own, else with most below it", () => {
  const lines = new Map([
    [3, 0],
    [9, 1],
    [5, 2],
  ]);
  const sums = (self: number[], inclusive: number[]) => ({
    self: Float64Array.from(self),
    inclusive: Float64Array.from(inclusive),
  });
  expect(heaviestLine(lines, sums([1, 7, 2], [50, 7, 2]))).toBe(9);
  expect(heaviestLine(lines, sums([0, 0, 0], [5, 7, 20]))).toBe(5);
  expect(heaviestLine(lines, sums([-8, 7, 2], [0, 0, 0]))).toBe(3);
  expect(heaviestLine(new Map(), sums([], []))).toBeNull();
});

test("without Python code there is no file to begin at", async () => {
  const state = new ReportState(await profileOf(new Recording().allocate([], 7)), "");
  expect(heaviestFile(state)).toBeNull();
});

test("why a source is not there is said for each kind of file", () => {
  expect(whyMissing("<string>", "program", null)).toContain("no file");
  expect(whyMissing("/x/numpy/a.py", "library", null)).toContain("0.1 %");
  expect(whyMissing("/x/work.py", "program", "1: not found here")).toContain("not found here");
});

test("Pygments' classes become the few looks of the page", () => {
  expect(["k", "kn", "ow", "s2", "sa", "c1", "mi", "nf", "n", "o", "p", ""].map(lookOf)).toEqual(
    "keyword keyword keyword string string comment number definition    ".split(" ").slice(0, 12),
  );
});

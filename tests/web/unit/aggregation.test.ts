// Aggregation against a slow, plain oracle that looks at each block of a recording anew.

import { describe, expect, test } from "vitest";
import { foldingOf, MergedTree, WholeTree } from "../../../web/src/profile/call_tree";
import { METRICS, type MetricId } from "../../../web/src/profile/figures";
import { type GROUPINGS, groupingOf, groupTotals } from "../../../web/src/profile/grouping";
import type { Profile } from "../../../web/src/profile/profile";
import type { Question } from "../../../web/src/profile/question";
import { siteValues } from "../../../web/src/profile/site_values";
import { totalsOf } from "../../../web/src/profile/totals";
import { randomRecording } from "../fixtures/random_recording";
import { profileOf } from "../fixtures/read";
import { type Block, type FrameSpec, Recording } from "../fixtures/recording";

const SEEDS = [1, 2, 3];

function peakTickIn(recording: Recording, { range, threads }: Question): number {
  const live = (tick: number) =>
    recording.blocks
      .filter((block) => (threads?.has(block.thread) ?? true) && Recording.isLive(block, tick))
      .reduce((sum, { bytes }) => sum + bytes, 0);
  if (!range) return recording.peakTick();
  let peak = range.first;
  for (let tick = range.first; tick <= range.last; tick++) if (live(tick) > live(peak)) peak = tick;
  return peak;
}

/** What one block adds to the answer. */
function worth(block: Block, recording: Recording, question: Question): number {
  if (question.threads && !question.threads.has(block.thread)) return 0;
  const { bytes } = block;
  const first = question.range?.first ?? 0;
  const last = question.range?.last ?? recording.ticks - 1;
  const bornInside = block.born >= first && block.born <= last;
  const live = Recording.isLive(block, last);
  switch (question.metric) {
    case "peak":
      return Recording.isLive(block, peakTickIn(recording, question)) ? bytes : 0;
    case "live":
      return live ? bytes : 0;
    case "kept":
      return bornInside && live ? bytes : 0;
    case "freed":
      return bornInside && !live ? bytes : 0;
    case "allocated":
      return bornInside ? bytes : 0;
    case "allocations":
      return bornInside ? block.blocks : 0;
    case "temporary":
      return block.temporary ? bytes : 0;
  }
}

function questions(recording: Recording): Question[] {
  const asked: Question[] = [];
  for (const { id: metric, figure } of METRICS)
    for (const threads of [null, new Set([1])]) {
      if (figure) asked.push({ metric, range: null, threads });
      if (metric === "temporary") continue;
      for (const range of [
        { first: 0, last: recording.ticks - 1 },
        { first: 2, last: 5 },
        { first: 4, last: 4 },
      ])
        asked.push({ metric, range, threads });
    }
  return asked;
}

type Identity = (frame: FrameSpec) => string;
const identities: Record<string, Identity> = {
  line: (frame) => JSON.stringify([frame.function, frame.file, frame.line]),
  function: (frame) => JSON.stringify([frame.function, frame.file, frame.first_line]),
  file: (frame) => frame.file,
};

function describeFrame(profile: Profile, frame: number): FrameSpec {
  const { frames, files, strings } = profile;
  return {
    function: strings.get(frames.function[frame]!),
    file: strings.get(files.name[frames.file[frame]!]!),
    line: frames.line[frame]!,
    first_line: frames.first_line[frame]!,
  };
}

describe.each(SEEDS)("run %i", (seed) => {
  const recording = randomRecording(seed);

  test("the whole program's inclusive figure is the sum over its blocks", async () => {
    const profile = await profileOf(recording);
    for (const question of questions(recording)) {
      const expected = recording.blocks.reduce((sum, b) => sum + worth(b, recording, question), 0);
      expect(totalsOf(profile, siteValues(profile, question)).total).toBe(expected);
    }
  });

  test("groups have the sums of their blocks, recursion counted once", async () => {
    const profile = await profileOf(recording);
    for (const question of questions(recording).slice(0, 12)) {
      const totals = totalsOf(profile, siteValues(profile, question));
      for (const [kind, identity] of Object.entries(identities)) {
        const self = new Map<string, number>();
        const inclusive = new Map<string, number>();
        const add = (sums: Map<string, number>, key: string, by: number) =>
          sums.set(key, (sums.get(key) ?? 0) + by);
        for (const block of recording.blocks) {
          const amount = worth(block, recording, question);
          const keys = block.stack.map(identity);
          if (keys.length > 0) add(self, keys.at(-1)!, amount);
          for (const key of new Set(keys)) add(inclusive, key, amount);
        }
        const grouping = groupingOf(profile, kind as (typeof GROUPINGS)[number]);
        const sums = groupTotals(profile, grouping, totals.self, totals.inclusive);
        const keys = [...sums.self.keys()].filter((key) => grouping.exampleFrame[key] !== 0);
        const ids = keys.map((key) =>
          identity(describeFrame(profile, grouping.exampleFrame[key]!)),
        );
        expect(keys.map((key) => sums.self[key])).toEqual(ids.map((id) => self.get(id) ?? 0));
        expect(keys.map((key) => sums.inclusive[key])).toEqual(
          ids.map((id) => inclusive.get(id) ?? 0),
        );
      }
    }
  });

  test("every tree adds up: a node is its children and what is its own", async () => {
    const profile = await profileOf(recording);
    const totals = totalsOf(profile, siteValues(profile, question("allocated")));
    const byFunction = groupingOf(profile, "function");
    for (const tree of [
      new WholeTree(profile, totals),
      new WholeTree(profile, totals, foldingOf(profile, "import")),
      MergedTree.down(profile, totals, byFunction),
      MergedTree.inverted(profile, totals, byFunction),
    ]) {
      const open = [tree.root];
      const wrong: string[] = [];
      for (let node = open.pop(); node !== undefined; node = open.pop()) {
        const children = tree.children(node);
        let sum = 0;
        let before = Number.POSITIVE_INFINITY;
        for (const child of children) {
          sum += tree.weight(child);
          if (tree.weight(child) > before)
            wrong.push(`${child} is wider than what stands before it`);
          before = tree.weight(child);
          if (tree.parent(child) !== node) wrong.push(`${child} has another parent than ${node}`);
        }
        if (sum > tree.weight(node)) wrong.push(`${node} is narrower than its children`);
        if (node === tree.root && tree.inverted) expect(sum).toBe(totals.total);
        open.push(...children);
      }
      expect(wrong).toEqual([]);
      expect(tree.weight(tree.root)).toBe(totals.total);
    }
  });

  test("callers and callees of a function weigh what the function weighs", async () => {
    const profile = await profileOf(recording);
    const totals = totalsOf(profile, siteValues(profile, question("allocated")));
    const grouping = groupingOf(profile, "function");
    const sums = groupTotals(profile, grouping, totals.self, totals.inclusive);
    for (let key = 0; key < grouping.length; key++) {
      if (grouping.exampleFrame[key] === 0) continue;
      const callees = MergedTree.callees(profile, totals, grouping, key);
      const callers = MergedTree.callers(profile, totals, grouping, key);
      expect(callees.weight(callees.root)).toBe(sums.inclusive[key]);
      expect(callers.weight(callers.root)).toBe(sums.inclusive[key]);
    }
  });
});

test("callers of a function are the blocks of the stacks they are in", async () => {
  const recording = new Recording()
    .allocate(["main a.py:1", "left a.py:5", "leaf a.py:9"], 100)
    .allocate(["main a.py:1", "right a.py:7", "leaf a.py:9"], 30)
    .allocate(["main a.py:1", "leaf a.py:9", "leaf a.py:9"], 7);
  const profile = await profileOf(recording);
  const totals = totalsOf(profile, siteValues(profile, question("live")));
  const grouping = groupingOf(profile, "function");
  const key = [...grouping.exampleFrame].findIndex(
    (frame) => describeFrame(profile, frame).function === "leaf",
  );
  const callers = MergedTree.callers(profile, totals, grouping, key);
  const read = (node: number) =>
    Array.from(callers.children(node), (child) => [
      describeFrame(profile, callers.frame(child)).function,
      callers.value(child),
    ]);
  expect(callers.value(callers.root)).toBe(137);
  expect(read(callers.root)).toEqual([
    ["left", 100],
    ["right", 30],
    ["main", 7],
  ]);
});

test("a comparison is B less A, and nothing that shrank hides behind what grew", async () => {
  const before = new Recording()
    .allocate(["main a.py:1", "gone a.py:5"], 100)
    .allocate(["main a.py:1", "same a.py:6"], 50);
  const after = new Recording()
    .allocate(["main a.py:1", "new a.py:7"], 70)
    .allocate(["main a.py:1", "same a.py:6"], 50);
  const profile = await profileOf(after, before);
  const totals = totalsOf(profile, siteValues(profile, question("live")));
  expect(totals.total).toBe(-30);
  expect(totals.base![0]).toBe(150);
  expect(totals.weight[0]).toBe(170);
  const tree = new WholeTree(profile, totals);
  const main = tree.children(tree.root)[0]!;
  expect(
    Array.from(tree.children(main), (node) => [
      describeFrame(profile, tree.frame(node)).function,
      tree.value(node),
      tree.weight(node),
    ]),
  ).toEqual([
    ["gone", -100, 100],
    ["new", 70, 70],
  ]);
});

function question(metric: MetricId): Question {
  return { metric, range: null, threads: null };
}

test("a run of import frames is one bar that keeps all its bytes", async () => {
  const find = "_find_and_load <frozen importlib._bootstrap>:1360";
  const exec = "exec_module <frozen importlib._bootstrap_external>:1026";
  const recording = new Recording()
    .allocate(["main a.py:1", find, exec], 10)
    .allocate(["main a.py:1", find, exec, "<module> b.py:1"], 100)
    .allocate(["main a.py:1", find, "spec <frozen importlib._bootstrap>:7"], 1);
  const profile = await profileOf(recording);
  const totals = totalsOf(profile, siteValues(profile, question("live")));
  const tree = new WholeTree(profile, totals, foldingOf(profile, "import"));
  const only = (node: number) => {
    expect(tree.children(node)).toHaveLength(1);
    return tree.children(node)[0]!;
  };
  const run = only(only(tree.root));
  expect([tree.depth(run), tree.value(run)]).toEqual([2, 111]);
  const module = only(run);
  expect([tree.depth(module), tree.value(module), tree.parent(module)]).toEqual([3, 100, run]);
});

// The call graph against an oracle that looks at each block's stack; its limits, its layout and its DOT.

import { describe, expect, test } from "vitest";
import { ReportState } from "../../../web/src/state/report_state";
import { sayLeftOut } from "../../../web/src/views/call_graph/call_graph";
import { dotOf, quoted } from "../../../web/src/views/call_graph/dot";
import { type Graph, graphOf } from "../../../web/src/views/call_graph/graph";
import { curve, layOut, NODE_HEIGHT, NODE_WIDTH } from "../../../web/src/views/call_graph/layout";
import { randomRecording } from "../fixtures/random_recording";
import { profileOf } from "../fixtures/read";
import { Recording } from "../fixtures/recording";

const ALL = { node: 0, edge: 0, most: Number.POSITIVE_INFINITY };

async function graphs(recording: Recording, limits = ALL): Promise<[Graph, ReportState]> {
  const state = new ReportState(await profileOf(recording), "");
  const { inclusive, total } = state.totals.value;
  const functions = state.grouping("function");
  const sums = state.groupTotals("function");
  return [graphOf(state.profile, functions, sums, inclusive, total, limits), state];
}

const identity = (frame: { function: string; file: string; first_line: number }) =>
  `${frame.function} ${frame.file}:${frame.first_line}`;

describe.each([1, 2, 3])("of random run %i", (seed) => {
  const recording = randomRecording(seed);
  const atPeak = recording.blocks.filter((block) => Recording.isLive(block, recording.peakTick()));

  test("nodes and edges have each block once that was allocated below them", async () => {
    const nodes = new Map<string, number>();
    const edges = new Map<string, number>();
    for (const { stack, bytes } of atPeak) {
      const names = stack.map(identity);
      const calls = names.slice(1).flatMap((name, i) => {
        return name === names[i] ? [] : [`${names[i]} -> ${name}`];
      });
      for (const name of new Set(names)) nodes.set(name, (nodes.get(name) ?? 0) + bytes);
      for (const call of new Set(calls)) edges.set(call, (edges.get(call) ?? 0) + bytes);
    }
    const [graph, { profile }] = await graphs(recording);
    const name = (index: number) => {
      const { frames, files, strings } = profile;
      const { frame } = graph.nodes[index]!;
      return identity({
        function: strings.get(frames.function[frame]!),
        file: strings.get(files.name[frames.file[frame]!]!),
        first_line: frames.first_line[frame]!,
      });
    };
    expect(new Map(graph.nodes.map(({ inclusive }, i) => [name(i), inclusive]))).toEqual(nodes);
    expect(
      new Map(graph.edges.map(({ from, to, value }) => [`${name(from)} -> ${name(to)}`, value])),
    ).toEqual(edges);
    expect(graph.left).toEqual({ nodes: 0, largest: 0, edges: 0 });
  });

  test("limits keep the heaviest, and what is left out is counted", async () => {
    const [all] = await graphs(recording);
    const [few] = await graphs(recording, { node: 0, edge: 0.02, most: 4 });
    expect(few.nodes.map(({ key }) => key)).toEqual(all.nodes.slice(0, 4).map(({ key }) => key));
    expect(few.left.nodes).toBe(all.nodes.length - 4);
    expect(few.left.largest).toBe(all.nodes[4]!.inclusive);
    const whole = recording.liveAt(recording.peakTick());
    expect(few.edges.every(({ value }) => value >= 0.02 * whole)).toBe(true);
  });

  test("boxes do not overlap, and every edge has a line", async () => {
    const [graph] = await graphs(recording);
    const laid = layOut(graph);
    for (const [i, a] of laid.nodes.entries()) {
      expect(a.x >= NODE_WIDTH / 2 && a.x <= laid.width - NODE_WIDTH / 2).toBe(true);
      for (const b of laid.nodes.slice(i + 1))
        expect(Math.abs(a.x - b.x) >= NODE_WIDTH || Math.abs(a.y - b.y) >= NODE_HEIGHT).toBe(true);
    }
    expect(laid.edges.length).toBe(graph.edges.length);
    for (const points of laid.edges) expect(curve(points)).toMatch(/^M[\d. -]+([QL][\d. -]+)+$/);
  });
});

test("recursion is marked and counted once", async () => {
  const stack = ["f /a.py:1", "f /a.py:2@1", "g /b.py:9", "f /a.py:1", "g /b.py:9"];
  const [graph] = await graphs(new Recording().allocate(stack, 64));
  expect(graph.nodes.map(({ inclusive }) => inclusive)).toEqual([64, 64]);
  expect(graph.nodes.map(({ isRecursive }) => isRecursive)).toEqual([true, false]);
  expect(graph.edges.map(({ value }) => value)).toEqual([64, 64]);
});

test("what is left out is said in a sentence", async () => {
  const format = (value: number) => `${value} B`;
  const recording = new Recording().allocate(["f /a.py:1", "g /a.py:9"], 60);
  const [all] = await graphs(recording);
  expect(sayLeftOut(all, 60, format)).toBe("All 2 functions are shown.");
  const [one] = await graphs(recording, { ...ALL, most: 1 });
  expect(sayLeftOut(one, 60, format)).toBe(
    "1 of 2 functions are shown; those left out hold at most 60 B (100 %) each, with their callees.",
  );
});

test("DOT keeps hostile names inside their quotes", async () => {
  expect(quoted('a"b\\c\nd\u0000')).toBe('"a\\"b\\\\c\\nd\u2400"');
  const name = '"]; evil [label="';
  const [graph, state] = await graphs(
    new Recording().allocate([{ function: name, file: "/a.py", line: 1, first_line: 1 }], 8),
  );
  const dot = dotOf(graph, "title", {
    name: (frame) => state.names.function(frame),
    place: (frame) => state.names.place(frame),
    figure: (value) => `${value} B`,
    share: () => "100 %",
  });
  expect(dot).toContain('n0 [label="\\"]; evil [label=\\"\\na.py:1\\n8 B (100 %)');
  expect(dot.match(/\[label=/g)?.length).toBe(2);
});

test("an empty capture gives an empty graph", async () => {
  const [graph] = await graphs(new Recording());
  expect(graph.nodes).toEqual([]);
  expect(layOut(graph).nodes).toEqual([]);
});

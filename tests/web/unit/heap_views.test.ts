// The Heap views' logic: areas add up, references are gathered, findings and places are read, the address keeps it all.

import { describe, expect, test } from "vitest";
import { areaOfBranch } from "../../../web/src/heap/areas_of_heap";
import { leaksAndWaste, titleOf, verdict } from "../../../web/src/heap/findings";
import type { Branch, HeapData, KindRow } from "../../../web/src/heap/heap_data";
import { HeapState } from "../../../web/src/heap/heap_state";
import { heapStep } from "../../../web/src/heap/heap_url";
import { placeOf } from "../../../web/src/heap/places";
import { shownReferences } from "../../../web/src/heap/references";
import { ReportState } from "../../../web/src/state/report_state";
import { heapInHash, readHash, writeHash } from "../../../web/src/state/url_state";
import { type Area, withRests } from "../../../web/src/views/treemap/areas";
import { demoHeap } from "../fixtures/demo_heap";
import { demoRecording } from "../fixtures/demo_recording";
import { profileOf } from "../fixtures/read";

/** A heap of random branches whose figures add up, as the analysis makes them. */
function randomHeap(seed: number): HeapData {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const branches: Branch[] = [];
  const add = (parent: number, depth: number): number => {
    const at = branches.push([0, parent, 0, 0, 0, 0, `t${random(5)}`, [], ""]) - 1;
    const children = depth > 3 ? 0 : random(6);
    let retained = at === 0 ? 0 : 8 + random(100);
    for (let i = 0; i < children; i++) retained += add(at, depth + 1);
    const kinds: KindRow[] = [];
    let [leftOut, leftOutBytes] = [random(3), 0];
    leftOutBytes = leftOut * random(900);
    for (let i = 0; i < random(4); i++) {
      const [number, bytes] = [1 + random(50), random(5000)];
      kinds.push([`k${i}`, number, bytes]);
      leftOut += number;
      leftOutBytes += bytes;
    }
    const branch = branches[at]!;
    branch[0] = at;
    branch[2] = retained + leftOutBytes;
    branch[3] = children + leftOut;
    branch[4] = leftOut;
    branch[5] = leftOutBytes;
    branch[7] = kinds;
    return branch[2];
  };
  add(0, 0);
  return { ...demoHeap(), branches, all_bytes: branches[0]![2] };
}

function check(area: Area): void {
  if (area.children.length === 0) return;
  expect(area.children.reduce((sum, { value }) => sum + value, 0)).toBe(area.value);
  for (const [index, child] of area.children.entries()) {
    expect(child.value).toBeLessThanOrEqual(area.children[index - 1]?.value ?? area.value);
    check(child);
  }
}

describe.each([1, 2, 3, 4, 5, 6])("of random heap %i", (seed) => {
  const state = new HeapState(randomHeap(seed));

  test("areas in an area are as large as it is, the largest first", () => {
    const whole = areaOfBranch(state, 0);
    check(whole);
    expect(whole.value).toBe(state.data.all_bytes);
  });

  test("what is put together in the treemap is as large as what it stands for", () => {
    const whole = areaOfBranch(state, 0);
    const sum = (area: Area): void => {
      if (area.children.length === 0) return;
      expect(area.children.reduce((total, { value }) => total + value, 0)).toBe(area.value);
      for (const child of area.children) sum(child);
    };
    for (const least of [0, 100, 5000, 1e9]) sum(withRests(whole, least, 2 * least));
  });

  test("a path to a branch begins at the whole and goes from parent to child", () => {
    for (let index = 0; index < state.data.branches.length; index++) {
      const path = state.pathToBranch(index);
      expect([path[0], path.at(-1)]).toEqual([0, index]);
      for (let step = 1; step < path.length; step++)
        expect(state.children[path[step - 1]!]).toContain(path[step]);
    }
  });
});

test("a branch is called by its type and the last step of its path, a root by its label", () => {
  const data = demoHeap();
  data.branches.push([1, 0, 5, 0, 0, 0, "<root>", [], ""]);
  data.branches.push([0, 0, 900, 700, 0, 0, "django.db", [], "module"]);
  const state = new HeapState(data);
  expect(state.nameAndStep(0)).toBe("Everything");
  expect(state.nameAndStep(1)).toBe("dict .CACHE");
  expect(state.nameAndStep(2)).toMatch(/ \[0\]$/);
  expect(state.nameAndStep(4)).toBe("sys.modules");
  expect(state.nameAndStep(5)).toBe("django.db");
  expect([...state.branchOf.keys()]).toEqual([2, 3, 4, 1]); // a group is no object
  data.listed[2]!.path = "sys.modules['app'].__dict__";
  expect(state.nameAndStep(1)).toBe("dict ['app'].__dict__");
  data.listed[2]!.path = "";
  expect(state.nameAndStep(1)).toBe("dict");
});

test("references that look alike and cannot be opened are one row", () => {
  const rows = shownReferences(
    [
      [".__globals__", 1, "function", 100, 100],
      [".__globals__", 2, "function", 100, 300],
      [".__globals__", 3, "function", 100, 100],
      [".__dict__", 4, "module", 72, 72],
      [".__globals__", 5, "type", 50, 50],
    ],
    (object) => object === 2,
  );
  expect(rows.map(({ object, times }) => [object, times])).toEqual([
    [1, 2],
    [2, 1],
    [4, 1],
    [5, 1],
  ]);
  expect(rows[0]).toMatchObject({ size_bytes: 200, retained_bytes: null });
  expect(rows[1]).toMatchObject({ size_bytes: 100, retained_bytes: 300 });
});

test("leaks stand apart from waste, and an unknown kind is shown in its own words", () => {
  const of = (kind: string) => ({ ...demoHeap().suspects[0]!, kind });
  const found = ["boxed_numbers", "traceback", "duplicates", "new_kind"].map(of);
  const { leaks, waste } = leaksAndWaste(found);
  expect(leaks.map(titleOf)).toEqual(["Kept traceback", "New kind"]);
  expect(waste.map(titleOf)).toEqual(["Boxed numbers", "Duplicates"]);
  expect(titleOf(of("constructor"))).toBe("Constructor");
  const told = ([leaks, waste]: [number, number]) => verdict(leaks, waste, 1 << 20);
  expect(
    (
      [
        [0, 0],
        [1, 0],
        [2, 1],
        [0, 3],
      ] as [number, number][]
    ).map(told),
  ).toEqual([
    "Nothing of 1.00 MiB or more looks like a leak or a waste.",
    "1 thing looks like a leak.",
    "2 things look like a leak, 1 wastes memory.",
    "3 waste memory.",
  ]);
});

test("a place is read from its end, whatever the file and function are called", () => {
  expect(placeOf("/srv/app/work.py:58 (Work.load)")).toEqual({
    function: "Work.load",
    short: "app/work.py:58",
    full: "/srv/app/work.py:58",
  });
  expect(placeOf("/a:1 (x)/b (2):7 (f.<locals>.<lambda>)")).toMatchObject({
    function: "f.<locals>.<lambda>",
    full: "/a:1 (x)/b (2):7",
  });
  expect(placeOf("<frozen abc>:106 (ABCMeta.__new__)")).toMatchObject({
    short: "<frozen abc>:106",
  });
  expect(placeOf("<unknown>")).toBeNull();
});

describe("objects that are looked at", () => {
  test("going back leads through them in turn, and one that is not in the report is none", () => {
    const state = new HeapState(demoHeap());
    for (const object of [2, 3, 3, 99, 4]) state.show(object);
    expect([state.object.value, state.before.value]).toEqual([4, [2, 3]]);
    state.back();
    state.back();
    expect(state.object.value).toBe(2);
    state.back();
    state.back();
    expect(state.object.value).toBeNull();
  });

  test("a type is shown whatever was searched", () => {
    const state = new HeapState(demoHeap());
    state.search.value = "nothing";
    state.view.value = "compared";
    state.showType("dict");
    expect([state.view.value, state.type.value, state.search.value]).toEqual(["types", "dict", ""]);
  });
});

describe("the address", () => {
  const look = (state: HeapState) => [
    state.view.value,
    state.object.value,
    state.type.value,
    state.search.value,
    state.site.value,
    state.part.value,
  ];

  test("of a new report is empty, and holds all that is looked at afterwards", () => {
    const state = new HeapState(demoHeap());
    expect(heapInHash(state).write()).toBe("");
    state.view.value = "map";
    state.show(3);
    state.type.value = state.data.types[1]!.type; // a hostile name
    state.search.value = "a&b=#";
    state.site.value = 0;
    state.part.value = 1;
    const other = new HeapState(demoHeap());
    heapInHash(other).read(`#${heapInHash(state).write()}`);
    expect(look(other)).toEqual(look(state));
    heapInHash(other).read("");
    expect(look(other)).toEqual(look(new HeapState(demoHeap())));
  });

  test.each([
    "object=99&type=gone&line=7&part=999999",
    "object=-1&line=x&part=2",
    "object=1e3&part=1.5&line=",
  ])("takes nothing over that the report does not have: %s", (hash) => {
    const state = new HeapState(demoHeap());
    heapInHash(state).read(hash);
    expect(look(state)).toEqual(["types", null, null, "", null, 0]);
  });

  test("back in the browser is back among the objects", () => {
    const state = new HeapState(demoHeap());
    state.show(2);
    const earlier = heapInHash(state).write();
    state.show(3);
    heapInHash(state).read(earlier);
    expect([state.object.value, state.before.value]).toEqual([2, []]);
    state.show(3);
    expect(state.before.value).toEqual([2]);
  });

  test("another view or object is a step of the history, letters typed are none", () => {
    const state = new HeapState(demoHeap());
    const steps = new Set([heapStep(state)]);
    state.search.value = "abc";
    expect(steps.has(heapStep(state))).toBe(true);
    for (const change of [
      () => state.show(2),
      () => {
        state.view.value = "roots";
      },
      () => {
        state.part.value = 1;
      },
    ]) {
      change();
      expect(steps.has(heapStep(state))).toBe(false);
      steps.add(heapStep(state));
    }
  });

  test("of a run's report has the heap's part beside its own", async () => {
    const profile = await profileOf(demoRecording());
    const state = new ReportState({ ...profile, heap: demoHeap() }, "");
    state.view.value = "heap";
    state.heap!.view.value = "roots";
    state.heap!.show(2);
    const other = new ReportState({ ...profile, heap: demoHeap() }, "");
    readHash(other, writeHash(state));
    expect(other.view.value).toBe("heap");
    expect([other.heap!.view.value, other.heap!.object.value]).toEqual(["roots", 2]);
    expect(writeHash(new ReportState(profile, ""))).toBe("");
  });
});

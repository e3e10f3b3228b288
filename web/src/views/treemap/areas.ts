// The heap as areas in areas: packages, their files, the functions in them; by what functions allocate
// themselves, so that areas add up to the whole.

import type { Grouping, GroupTotals } from "../../profile/grouping";
import type { Names } from "../../profile/names";
import type { Profile } from "../../profile/profile";

export interface Area {
  kind: "whole" | "package" | "file" | "function" | "rest";
  name: string;
  /** Of itself and all in it. In a comparison what changed, with its sign. */
  value: number;
  /** How large it is drawn. */
  weight: number;
  /** A frame in it: its owner, and what a click selects. 0 for what is many. */
  frame: number;
  children: Area[];
  /** Of a rest: how many areas it stands for. */
  count: number;
}

function area(kind: Area["kind"], name: string, frame: number): Area {
  return { kind, name, value: 0, weight: 0, frame, children: [], count: 1 };
}

/** The first part of a dotted module: what was imported. */
export function packageOf(module: string): string {
  const dot = module.indexOf(".");
  return dot > 0 && !module.startsWith("<") ? module.slice(0, dot) : module;
}

/** The areas of the functions' own figures. O(functions). */
export function areasOf(
  { frames }: Profile,
  names: Names,
  functions: Grouping,
  sums: GroupTotals,
): Area {
  const whole = area("whole", "Everything", 0);
  const packages = new Map<string, Area>();
  const files = new Map<number, Area>();
  for (let key = 0; key < functions.length; key++) {
    const value = sums.self[key]!;
    if (value === 0) continue;
    const frame = functions.exampleFrame[key]!;
    const file = frames.file[frame]!;
    const module = frame === 0 ? names.frame(0) : names.module(file);
    const top = packageOf(module);
    let inPackage = packages.get(top);
    if (!inPackage) {
      inPackage = area("package", top, frame);
      packages.set(top, inPackage);
      whole.children.push(inPackage);
    }
    let inFile = files.get(file);
    if (!inFile) {
      inFile = area("file", frame === 0 ? names.frame(0) : names.file(file), frame);
      files.set(file, inFile);
      inPackage.children.push(inFile);
    }
    const leaf = area("function", frame === 0 ? names.frame(0) : names.function(frame), frame);
    leaf.value = value;
    leaf.weight = Math.abs(value);
    inFile.children.push(leaf);
  }
  for (const inPackage of whole.children) for (const inFile of inPackage.children) sum(inFile);
  for (const inPackage of whole.children) sum(inPackage);
  sum(whole);
  return whole;
}

function sum(parent: Area): void {
  parent.children.sort((a, b) => b.weight - a.weight);
  for (const child of parent.children) {
    parent.value += child.value;
    parent.weight += child.weight;
  }
}

/**
 * The same areas, with those below `least` of weight put together into one, and those below `leastOpen` without
 * what is in them: nothing is left out.
 */
export function withRests(parent: Area, least: number, leastOpen: number): Area {
  if (parent.kind !== "whole" && parent.weight < leastOpen) return { ...parent, children: [] };
  const large = parent.children.filter(({ weight }) => weight >= least);
  const small = parent.children.slice(large.length);
  const children = large.map((child) => withRests(child, least, leastOpen));
  if (small.length > 1) {
    const rest = area("rest", `${small.length} smaller`, 0);
    rest.count = small.length;
    for (const { value, weight } of small) {
      rest.value += value;
      rest.weight += weight;
    }
    children.push(rest);
  } else children.push(...small.map((child) => withRests(child, least, leastOpen)));
  return { ...parent, children };
}

/** The area at the end of a path of names from the whole; as far as it goes. */
export function areaAt(whole: Area, path: readonly string[]): Area[] {
  const found = [whole];
  for (const name of path) {
    const next = found.at(-1)!.children.find((child) => child.name === name);
    if (!next) break;
    found.push(next);
  }
  return found;
}

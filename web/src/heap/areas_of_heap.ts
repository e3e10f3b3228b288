// The dominator tree as areas in areas, for the treemap: what is left out of a branch is an area a type.

import { count } from "../text/units";
import type { Area } from "../views/treemap/areas";
import type { HeapState } from "./heap_state";

/** Of a branch and all below. `frame` is the branch's index; 0 for what is many, and for an object's own bytes. */
export function areaOfBranch(state: HeapState, index: number): Area {
  const [, , retained, , leftOut, leftOutBytes, , kinds] = state.data.branches[index]!;
  const children = state.children[index]!.map((child) => areaOfBranch(state, child));
  let own = retained - leftOutBytes;
  for (const { value } of children) own -= value;
  const many = (name: string, bytes: number, number: number) => {
    if (bytes > 0)
      children.push({
        kind: "rest",
        name,
        value: bytes,
        weight: bytes,
        frame: 0,
        children: [],
        count: number,
      });
  };
  if (children.length > 0 || leftOut > 0) {
    let [others, otherBytes] = [leftOut, leftOutBytes];
    for (const [type, number, bytes] of kinds) {
      many(`${count(number)} ${type}`, bytes, number);
      others -= number;
      otherBytes -= bytes;
    }
    many(`${count(others)} ${others === 1 ? "other" : "others"}`, otherBytes, others);
    many("itself", own, 1);
  }
  // The treemap puts the smallest together and asks for the largest first.
  children.sort((a, b) => b.weight - a.weight);
  return {
    kind: index === 0 ? "whole" : "package",
    name: state.nameAndStep(index),
    value: retained,
    weight: retained,
    frame: index,
    children,
    count: 1,
  };
}

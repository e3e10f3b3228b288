// What the analysis suspects, for people: leaks apart from waste, with words for kinds and figures.

import { size } from "../text/units";
import type { Suspect } from "./heap_data";

const WASTE: Record<string, string> = {
  duplicates: "Duplicates",
  spare_room: "Spare room",
  instance_dicts: "Instances with a dict each",
  boxed_numbers: "Boxed numbers",
};
const LEAKS: Record<string, string> = {
  accumulation: "Accumulation",
  growing_container: "Growing container",
  unbounded_cache: "Unbounded cache",
  finalizer_cycle: "Cycles with finalisers",
  traceback: "Kept traceback",
  kept_frame: "Kept frame",
};

const isWaste = ({ kind }: Suspect) => Object.hasOwn(WASTE, kind);

export function titleOf({ kind }: Suspect): string {
  const words = kind.replaceAll("_", " ");
  if (Object.hasOwn(LEAKS, kind)) return LEAKS[kind]!;
  if (Object.hasOwn(WASTE, kind)) return WASTE[kind]!;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function leaksAndWaste(suspects: readonly Suspect[]): {
  leaks: Suspect[];
  waste: Suspect[];
} {
  return {
    leaks: suspects.filter((each) => !isWaste(each)),
    waste: suspects.filter(isWaste),
  };
}

/** What mending it frees. */
export const savingWord = (suspect: Suspect) => (isWaste(suspect) ? "could be saved" : "keeps");

export function verdict(leaks: number, waste: number, least: number): string {
  const things = (number: number, one: string, more: string) =>
    `${number === 1 ? `1 ${one}` : `${number} ${more}`}`;
  if (leaks + waste === 0) return `Nothing of ${size(least)} or more looks like a leak or a waste.`;
  const found = [
    ...(leaks > 0 ? [`${things(leaks, "thing looks", "things look")} like a leak`] : []),
    ...(waste > 0 ? [`${things(waste, "wastes", "waste")} memory`] : []),
  ];
  return `${found.join(", ")}.`;
}

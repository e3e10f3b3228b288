// The opening sentence's facts: the line of the program that most of a figure comes from. What a library
// allocates is put to the innermost line of the program that called it.

import type { Profile } from "./profile";

export interface Culprit {
  frame: number;
  value: number;
}

/** Of values by node; null where no line of the program is to be found. O(nodes). */
export function culpritOf(profile: Profile, self: Float64Array): Culprit | null {
  const { nodes, frames, files, manifest } = profile;
  const program = manifest.owners.indexOf("program");
  const blamed = new Int32Array(nodes.length);
  const sums = new Float64Array(frames.length);
  for (let node = 1; node < nodes.length; node++) {
    const frame = nodes.frame[node]!;
    const own = frame !== 0 && files.owner[frames.file[frame]!] === program;
    blamed[node] = own ? frame : blamed[nodes.parent[node]!]!;
    sums[blamed[node]!]! += self[node]!;
  }
  let found = 0;
  for (let frame = 1; frame < sums.length; frame++)
    if (Math.abs(sums[frame]!) > (found === 0 ? 0 : Math.abs(sums[found]!))) found = frame;
  return found === 0 ? null : { frame: found, value: sums[found]! };
}

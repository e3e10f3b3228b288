// The opening sentence's facts: the line that most of a figure comes from. What a library allocates is put to the
// innermost line of the program that called it, and to its own line where none did: in a library's thread, say.

import type { Profile } from "./profile";

export interface Culprit {
  frame: number;
  value: number;
}

/** For each node the frame of the program that answers for it; 0 for none. O(nodes). */
export function blamedFrames({ nodes, frames, files, manifest }: Profile): Int32Array {
  const program = manifest.owners.indexOf("program");
  const blamed = new Int32Array(nodes.length);
  for (let node = 1; node < nodes.length; node++) {
    const frame = nodes.frame[node]!;
    const own = frame !== 0 && files.owner[frames.file[frame]!] === program;
    blamed[node] = own ? frame : blamed[nodes.parent[node]!]!;
  }
  return blamed;
}

/** Of values by node; null where no line is to be found. O(nodes). */
export function culpritOf(
  { frames, nodes }: Profile,
  blamed: Int32Array,
  self: Float64Array,
): Culprit | null {
  const sums = new Float64Array(frames.length);
  for (let node = 1; node < self.length; node++)
    if (self[node] !== 0) sums[blamed[node]! || nodes.frame[node]!]! += self[node]!;
  let found = 0;
  for (let frame = 1; frame < sums.length; frame++)
    if (Math.abs(sums[frame]!) > (found === 0 ? 0 : Math.abs(sums[found]!))) found = frame;
  return found === 0 ? null : { frame: found, value: sums[found]! };
}

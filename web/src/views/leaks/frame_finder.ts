// From a row of the findings (function, file, line) to the frame of the capture, if it has one.

import type { Profile } from "../../profile/profile";

export interface Place {
  function: string;
  file: string;
  line: number | null;
}

/** O(frames) once, then a look-up. The texts of frames at other lines are never decoded. */
export function frameFinder({ frames, files, strings }: Profile): (place: Place) => number | null {
  const byLine = new Map<number, number[]>();
  for (let frame = 0; frame < frames.length; frame++) {
    const line = frames.line[frame]!;
    const there = byLine.get(line);
    if (there) there.push(frame);
    else byLine.set(line, [frame]);
  }
  return ({ function: name, file, line }) => {
    const inFile = (byLine.get(line ?? 0) ?? []).filter(
      (frame) => strings.get(files.name[frames.file[frame]!]!) === file,
    );
    return (
      inFile.find((frame) => strings.get(frames.function[frame]!) === name) ?? inFile[0] ?? null
    );
  };
}

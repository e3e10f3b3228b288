// Places: lines of files, whatever functions are on them, and what was allocated at and below each.

import { type Grouping, numbered } from "../../profile/grouping";
import type { Profile } from "../../profile/profile";

export interface Places {
  grouping: Grouping;
  file: Int32Array;
  line: Int32Array;
}

const known = new WeakMap<Profile, Places>();

/** The places of a profile; line 0 of a file stands for code of no known line. O(frames), once. */
export function placesOf(profile: Profile): Places {
  let places = known.get(profile);
  if (!places) {
    places = makePlaces(profile);
    known.set(profile, places);
  }
  return places;
}

function makePlaces({ frames }: Profile): Places {
  const grouping = numbered(
    "line",
    frames.length,
    (frame) => frames.file[frame]! * 2 ** 32 + frames.line[frame]!,
  );
  const { exampleFrame } = grouping;
  return {
    grouping,
    file: exampleFrame.map((frame) => frames.file[frame]!),
    line: exampleFrame.map((frame) => frames.line[frame]!),
  };
}

/** The places of one file that have something, by line. */
export function placesOfFile(
  places: Places,
  file: number,
  hasSomething: (place: number) => boolean,
): Map<number, number> {
  const found = new Map<number, number>();
  for (let place = 0; place < places.file.length; place++)
    if (places.file[place] === file && hasSomething(place)) found.set(places.line[place]!, place);
  return found;
}

/** Of a place the frame with most: what a selection of the line points at. */
export function heaviestFrame(
  places: Places,
  place: number,
  amountOfFrame: (frame: number) => number,
): number {
  let best = places.grouping.exampleFrame[place]!;
  const { keyOfFrame } = places.grouping;
  for (let frame = 0; frame < keyOfFrame.length; frame++)
    if (keyOfFrame[frame] === place && amountOfFrame(frame) > amountOfFrame(best)) best = frame;
  return best;
}

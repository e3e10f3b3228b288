// The parts of resident memory over time, one on the other.

import type { RssOverTime } from "../../payload/manifest";

export interface Layer {
  part: string;
  bytes: number[];
  /** Of it and all parts below, at each time. */
  top: number[];
  largest: number;
}

/** Parts that ever had something, in their order, from the bottom up. Unknown counts as nothing here. */
export function layersOf({ time_s, parts }: RssOverTime): Layer[] {
  const below = new Array<number>(time_s.length).fill(0);
  const layers: Layer[] = [];
  for (const { part, bytes } of parts) {
    const known = bytes.map((each) => each ?? 0);
    const largest = known.reduce((most, each) => Math.max(most, each), 0);
    if (largest === 0) continue;
    for (const [i, each] of known.entries()) below[i]! += each;
    layers.push({ part, bytes: known, top: [...below], largest });
  }
  return layers;
}

/** The outline of a layer between two tops, in a box. Times need not be evenly apart. */
export function layerPath(
  time_s: readonly number[],
  top: readonly number[],
  bottom: readonly number[],
  end_s: number,
  highest: number,
  width: number,
  height: number,
): string {
  if (time_s.length === 0 || !(highest > 0) || !(end_s > 0)) return "";
  const x = (i: number) => ((width * time_s[i]!) / end_s).toFixed(1);
  const y = (bytes: number) => (height - (height * bytes) / highest).toFixed(1);
  const upper = time_s.map((_, i) => `${x(i)} ${y(top[i]!)}`);
  const lower = time_s.map((_, i) => `${x(i)} ${y(bottom[i]!)}`).reverse();
  return `M${upper.join("L")}L${lower.join("L")}z`;
}

/** The index of the time that is nearest. */
export function nearest(time_s: readonly number[], at: number): number {
  let best = 0;
  for (let i = 1; i < time_s.length; i++)
    if (Math.abs(time_s[i]! - at) < Math.abs(time_s[best]! - at)) best = i;
  return best;
}

/** Round figures at which to draw lines: at most five, of 1, 2 or 4 times a power of 1024 or 16 of it. */
export function gridOf(highest: number): number[] {
  let step = 1024;
  while (highest / step > 5) step *= 2;
  const lines: number[] = [];
  for (let at = step; at <= highest; at += step) lines.push(at);
  return lines;
}

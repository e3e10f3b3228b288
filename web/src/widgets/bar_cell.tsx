// A figure with a bar behind it, as long as its share; the share stands beside it.

import { share } from "../text/units";

export interface BarCellProps {
  value: number;
  /** What a full bar is. */
  whole: number;
  text: string;
  look?: "self" | "inclusive" | "grown" | "shrunk";
  /** false: the figure alone, where there is no room for its share. */
  withShare?: boolean;
}

export function BarCell({
  value,
  whole,
  text,
  look = "inclusive",
  withShare = true,
}: BarCellProps) {
  const part = whole > 0 ? Math.min(1, Math.abs(value) / whole) : 0;
  return (
    <span class={`bar-cell ${look}`}>
      <span class="bar" style={{ width: `${(100 * part).toFixed(2)}%` }} aria-hidden="true" />
      <span class="bar-figure">{text}</span>
      {withShare && <span class="bar-share">{share(value, whole)}</span>}
    </span>
  );
}

// A curve in a cell: how something went over the run. Filled, from zero; the figures are in its label.

import "./plain.css";

export interface SparklineProps {
  values: ArrayLike<number>;
  /** What the cell's full height is; the highest value where it is left out. */
  highest?: number;
  label: string;
  width?: number;
  height?: number;
}

export function highestOf(values: ArrayLike<number>): number {
  let highest = 0;
  for (let i = 0; i < values.length; i++) if (values[i]! > highest) highest = values[i]!;
  return highest;
}

/** The outline of a filled curve: of several values that share a pixel the highest is drawn. */
export function outline(
  values: ArrayLike<number>,
  highest: number,
  width: number,
  height: number,
): string {
  const points = Math.min(values.length, width);
  if (points === 0 || !(highest > 0)) return "";
  const step = points > 1 ? width / (points - 1) : width;
  let path = `M0 ${height}`;
  for (let point = 0; point < points; point++) {
    const begin = Math.floor((point * values.length) / points);
    const end = Math.max(begin + 1, Math.floor(((point + 1) * values.length) / points));
    let value = 0;
    for (let i = begin; i < end; i++) if (values[i]! > value) value = values[i]!;
    path += `L${(point * step).toFixed(1)} ${(height - (height * value) / highest).toFixed(1)}`;
  }
  return `${path}L${width} ${height}z`;
}

export function Sparkline({
  values,
  highest = highestOf(values),
  label,
  width = 96,
  height = 18,
}: SparklineProps) {
  return (
    <svg class="sparkline" role="img" aria-label={label} width={width} height={height}>
      <title>{label}</title>
      <path d={outline(values, highest, width, height)} />
    </svg>
  );
}

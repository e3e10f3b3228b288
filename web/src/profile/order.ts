// Rows in the order a table shows them. Stable: equals stay in the order of their numbers.

export function orderOf(
  length: number,
  wanted: (row: number) => boolean,
  by: ArrayLike<number> | ((row: number) => string),
  descending: boolean,
): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < length; row++) if (wanted(row)) rows.push(row);
  const sign = descending ? -1 : 1;
  if (typeof by === "function") {
    const names = new Map(rows.map((row) => [row, by(row)]));
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    rows.sort((a, b) => sign * compare(names.get(a)!, names.get(b)!) || a - b);
  } else rows.sort((a, b) => sign * (by[a]! - by[b]!) || a - b);
  return Int32Array.from(rows);
}

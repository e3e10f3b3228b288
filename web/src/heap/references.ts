// References as rows to show: those that look alike and cannot be opened are one.

import type { ReferenceRow } from "./heap_data";

export interface ShownReference {
  name: string;
  object: number;
  type: string;
  size_bytes: number;
  /** null: of several. */
  retained_bytes: number | null;
  times: number;
}

export function shownReferences(
  rows: readonly ReferenceRow[],
  isListed: (object: number) => boolean,
): ShownReference[] {
  const shown: ShownReference[] = [];
  const alike = new Map<string, ShownReference>();
  for (const [name, object, type, size_bytes, retained_bytes] of rows) {
    const row = { name, object, type, size_bytes, retained_bytes, times: 1 };
    if (!isListed(object)) {
      const key = `${name}\n${type}`;
      const same = alike.get(key);
      if (same) {
        same.times++;
        same.size_bytes += size_bytes;
        same.retained_bytes = null;
        continue;
      }
      alike.set(key, row);
    }
    shown.push(row);
  }
  return shown;
}

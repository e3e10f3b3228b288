// Columns laid one after the other in one buffer, each beginning at a multiple of 8 bytes.
// The views share the buffer: nothing is copied until a reader asks for another type.

import type { ColumnType, Manifest } from "./manifest";
import { PayloadError } from "./payload_error";

export type Numbers = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

const WIDTH: Record<ColumnType, number> = { u8: 1, u16: 2, u32: 4, i32: 4, f64: 8 };

function view(type: ColumnType, buffer: ArrayBuffer, offset: number, length: number): Numbers {
  switch (type) {
    case "u8":
      return new Uint8Array(buffer, offset, length);
    case "u16":
      return new Uint16Array(buffer, offset, length);
    case "u32":
      return new Uint32Array(buffer, offset, length);
    case "i32":
      return new Int32Array(buffer, offset, length);
    case "f64":
      return new Float64Array(buffer, offset, length);
  }
}

/** Entries from differences: entry i is the sum of the first i + 1. */
function summed<Sums extends Int32Array | Float64Array>(differences: Numbers, sums: Sums): Sums {
  let sum = 0;
  for (let i = 0; i < differences.length; i++) {
    sum += differences[i]!;
    sums[i] = sum;
  }
  return sums;
}

export class Columns {
  private readonly views = new Map<string, Numbers>();
  private readonly differences = new Set<string>();

  constructor(layout: Manifest["columns"], buffer: ArrayBuffer) {
    let offset = 0;
    for (const { name, type, length, delta } of layout) {
      const width = WIDTH[type];
      if (width === undefined || !Number.isInteger(length) || length < 0)
        throw new PayloadError(`column ${name} has no known type or length`);
      if (offset + width * length > buffer.byteLength)
        throw new PayloadError(`column ${name} ends beyond the data`);
      this.views.set(name, view(type, buffer, offset, length));
      if (delta) this.differences.add(name);
      offset += Math.ceil((width * length) / 8) * 8;
    }
  }

  names(): string[] {
    return [...this.views.keys()];
  }

  has(name: string): boolean {
    return this.views.has(name);
  }

  /** What lies there of a column, in the type it was written in. */
  private stored(name: string): Numbers {
    const found = this.views.get(name);
    if (!found) throw new PayloadError(`column ${name} is missing`);
    return found;
  }

  bytes(name: string): Uint8Array {
    const found = this.stored(name);
    if (!(found instanceof Uint8Array)) throw new PayloadError(`column ${name} must be u8`);
    return found;
  }

  /** Indices and ids, in one type whatever the width, so that loops over them compile once. */
  ids(name: string, length?: number): Int32Array {
    const found = this.sized(name, length);
    if (this.differences.has(name)) return summed(found, new Int32Array(found.length));
    return found instanceof Int32Array ? found : Int32Array.from(found);
  }

  /** Figures: bytes, counts, seconds; NaN is unknown. */
  figures(name: string, length?: number): Float64Array {
    const found = this.sized(name, length);
    if (this.differences.has(name)) return summed(found, new Float64Array(found.length));
    return found instanceof Float64Array ? found : Float64Array.from(found);
  }

  private sized(name: string, length?: number): Numbers {
    const found = this.stored(name);
    if (length !== undefined && found.length !== length)
      throw new PayloadError(`column ${name} has ${found.length} entries, not ${length}`);
    return found;
  }
}

// The capture's texts. Decoded one at a time when asked for: most are never looked at.

import type { Columns } from "../payload/columns";
import { PayloadError } from "../payload/payload_error";

export class Strings {
  private readonly ends: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly decoded = new Map<number, string>();
  private readonly decoder = new TextDecoder();

  constructor(columns: Columns) {
    this.ends = columns.ids("string_ends");
    this.bytes = columns.bytes("string_bytes");
    let before = 0;
    for (const end of this.ends) {
      if (end < before || end > this.bytes.length)
        throw new PayloadError("the texts are out of order");
      before = end;
    }
  }

  get length(): number {
    return this.ends.length;
  }

  get(id: number): string {
    const known = this.decoded.get(id);
    if (known !== undefined) return known;
    const end = this.ends[id];
    if (end === undefined) return "";
    const text = this.decoder.decode(this.bytes.subarray(id > 0 ? this.ends[id - 1]! : 0, end));
    this.decoded.set(id, text);
    return text;
  }
}

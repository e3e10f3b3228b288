// The embedded source files: lines of highlighted pieces. Inflated when a view first asks.

import { bytesOfBase64 } from "./base64";
import { inflate } from "./inflate";

/** A piece of a line: its text and its Pygments short class, "" for plain. */
export type Piece = [text: string, kind: string];

export interface SourceFile {
  first_line: number;
  lines: Piece[][];
}

export type SourceFiles = ReadonlyMap<number, SourceFile>;

export async function readSources(text: string): Promise<SourceFiles> {
  if (text.trim() === "") return new Map();
  const json = new TextDecoder().decode(await inflate(bytesOfBase64(text.trim())));
  const parsed = JSON.parse(json) as { files?: Record<string, SourceFile> };
  return new Map(
    Object.entries(parsed.files ?? {}).map(([file, source]) => [Number(file), source]),
  );
}

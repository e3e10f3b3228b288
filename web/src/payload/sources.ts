// The embedded source files: lines of coloured pieces. Inflated when a view first asks.

import { bytesOfBase64 } from "./base64";
import { inflate } from "./inflate";

/** Of each piece of a line its text and then its Pygments short class, "" for plain. */
export type SourceLine = readonly string[];

export interface SourceFile {
  first_line: number;
  lines: SourceLine[];
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

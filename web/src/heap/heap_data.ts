// The document of a heap snapshot, as docs/dev/report-payload.md describes it. Bounded: objects that are not
// `listed` have a type and sizes where they are mentioned, and nothing more.

import { bytesOfBase64 } from "../payload/base64";
import { inflate } from "../payload/inflate";
import { PayloadError } from "../payload/payload_error";

export const HEAP_SCHEMA = "heapscope/heap-report/3";

/** Name of the reference, id, type, shallow and retained bytes of the other object. */
export type ReferenceRow = [string, number, string, number, number];

export interface References {
  total: number;
  rows: ReferenceRow[];
}

export interface ListedObject {
  type: string;
  size_bytes: number;
  retained_bytes: number;
  address: number | null;
  reference_count: number | null;
  held: string | null;
  distance: number;
  dominator: number | null;
  text: string | null;
  path: string;
  references: References;
  referrers: References;
  /** Index of the stack that allocated it. */
  born: number | null;
  /** That stack is known to have allocated the block, maybe for an object before this one. */
  born_of_block: boolean;
}

export interface TypeFigures {
  count: number;
  shallow_bytes: number;
  retained_bytes: number;
}

export interface TypeRow extends TypeFigures {
  type: string;
  objects: number[];
  base: TypeFigures | null;
}

export interface RootRow {
  id: number;
  kind: string;
  label: string;
  file: string | null;
  line: number | null;
  total: number;
  references: ReferenceRow[];
}

export interface ComparedRow {
  type: string;
  /** Objects that were not there before, and that are not there any more; null: not known. */
  new: number | null;
  gone: number | null;
  count: [number, number];
  shallow_bytes: [number, number];
  retained_bytes: [number, number];
}

export interface CycleRow {
  types: string[];
  /** Of cycles, of those that wait for the collector, of the objects in them, of those with a finaliser. */
  count: number;
  garbage: number;
  objects: number;
  finalizers: number;
  finalizer_types: string[];
  bytes: number;
  /** Objects of the largest, each with the name of its reference to the next. */
  way: [number, string][];
  closing: string;
}

/** Type, number of objects, their bytes. */
export type KindRow = [string, number, number];

export interface SiteRow {
  /** "FILE:LINE (FUNCTION)", or "<unknown>". */
  site: string;
  count: number;
  bytes: number;
  retained_bytes: number;
  types: KindRow[];
  /** Those that retain most. */
  objects: number[];
}

/** Of objects that hang on nothing alone, and are many: what holds them by name, and in that their types. */
export type Group = "package" | "module" | "type";

/**
 * Object, parent's index, retained bytes, children, children left out, their bytes, type, what was left out. A group
 * is no object (0); its children are the objects in it, its type is its name.
 */
export type Branch = [
  number,
  number,
  number,
  number,
  number,
  number,
  string,
  KindRow[],
  Group | "",
];

/** A finding of the analysis. */
export interface Suspect {
  kind: string;
  what: string;
  path: string;
  bytes: number;
  count: number;
  object: number | null;
  objects: number[];
}

/** Function, file, line; outermost first. */
export type Stack = [string, string, number | null][];

export interface HeapData {
  schema: string;
  title: string;
  snapshot: string;
  info: Record<string, string>;
  objects: number;
  total_bytes: number;
  /** Of objects and of the native blocks that they own. */
  all_bytes: number;
  references: number;
  garbage: { objects: number; bytes: number };
  /** What only heapscope itself needs; it is among the objects. */
  own: { objects: number; bytes: number };
  coverage: Record<string, number>;
  types: TypeRow[];
  other_types: { types: number; count: number; shallow_bytes: number };
  branches: Branch[];
  roots: RootRow[];
  listed: Record<string, ListedObject>;
  stacks: Stack[];
  suspects: Suspect[];
  /** What is worth less is no finding. */
  least_finding_bytes: number;
  merged: Record<
    string,
    { pattern: string | null; held_by: string; count: number; bytes: number }[]
  >;
  cycles: {
    rows: CycleRow[];
    left_out: number;
    code: { classes: number; garbage_classes: number; others: number };
  };
  sites: { rows: SiteRow[]; left_out: number; left_out_bytes: number } | null;
  comparison: {
    base: string;
    same_process: boolean;
    /** null, as all that tells objects from each other: of two processes. */
    identity: string | null;
    /** Of the objects in both, those that may be others just like the ones before. */
    unproven: number | null;
    base_objects: number;
    base_total_bytes: number;
    rows: ComparedRow[];
    left_out: number;
  } | null;
}

/** Reads the manifest's `heap`; null where there is none. */
export async function readHeap(text: string | undefined): Promise<HeapData | null> {
  if (!text) return null;
  let data: HeapData;
  try {
    data = JSON.parse(new TextDecoder().decode(await inflate(bytesOfBase64(text)))) as HeapData;
  } catch {
    throw new PayloadError("the heap snapshot cannot be unpacked: the file is cut or changed");
  }
  if (data.schema !== HEAP_SCHEMA)
    throw new PayloadError(`the heap is ${data.schema}, this page reads ${HEAP_SCHEMA}`);
  return data;
}

// One capture (or two that are compared) as typed arrays: texts, files, frames, the call tree, sites, changes,
// ticks. Immutable. Arrays that belong together are indexed alike; their names are those of the payload's
// columns. Indices are checked here, once, so that nothing behind this has to.

import type { HeapData } from "../heap/heap_data";
import type { Columns } from "../payload/columns";
import type { Manifest } from "../payload/manifest";
import { PayloadError } from "../payload/payload_error";
import { FIGURES, type FigureName } from "./figures";
import { Strings } from "./strings";

export interface Files {
  length: number;
  name: Int32Array;
  module: Int32Array;
  distribution: Int32Array;
  owner: Int32Array;
}

export interface Frames {
  length: number;
  function: Int32Array;
  file: Int32Array;
  line: Int32Array;
  first_line: Int32Array;
}

export interface Nodes {
  length: number;
  /** Preorder: a parent stands before its children; node 0 is the whole program. */
  parent: Int32Array;
  frame: Int32Array;
  depth: Int32Array;
  /** One past the last node under it: the subtree of n is n .. end[n] - 1. */
  end: Int32Array;
}

export type Figures = Record<FigureName, Float64Array>;

export interface Sites {
  length: number;
  node: Int32Array;
  domain: Int32Array;
  thread: Int32Array;
  figures: Figures;
  /** The figures of A, when two captures are compared. */
  base: Figures | null;
}

export interface Changes {
  length: number;
  site: Int32Array;
  tick: Int32Array;
  born: Int32Array;
  live_bytes: Float64Array;
  live_blocks: Float64Array;
  allocated_bytes: Float64Array;
  allocated_blocks: Float64Array;
}

/** Ticks of one run: the end of each, and the columns of its timeline by name; NaN is unknown. */
export interface Ticks {
  length: number;
  end_s: Float64Array;
  column(name: string): Float64Array | null;
}

export interface Profile {
  manifest: Manifest;
  strings: Strings;
  files: Files;
  frames: Frames;
  nodes: Nodes;
  sites: Sites;
  changes: Changes | null;
  ticks: Ticks;
  base_ticks: Ticks | null;
  /** A heap snapshot of the run, where the report has one. */
  heap: HeapData | null;
}

function inside(name: string, ids: Int32Array, limit: number): Int32Array {
  for (const id of ids)
    if (id < 0 || id >= limit) throw new PayloadError(`${name} points beyond its table`);
  return ids;
}

function readFiles(columns: Columns, strings: number, owners: number): Files {
  const name = columns.ids("file_name");
  const { length } = name;
  return {
    length,
    name: inside("file_name", name, strings),
    module: inside("file_module", columns.ids("file_module", length), strings),
    distribution: inside("file_distribution", columns.ids("file_distribution", length), strings),
    owner: inside("file_owner", columns.ids("file_owner", length), owners),
  };
}

function readFrames(columns: Columns, strings: number, files: number): Frames {
  const function_ = columns.ids("frame_function");
  const { length } = function_;
  return {
    length,
    function: inside("frame_function", function_, strings),
    file: inside("frame_file", columns.ids("frame_file", length), files),
    line: columns.ids("frame_line", length),
    first_line: columns.ids("frame_first_line", length),
  };
}

/** The tree from the depths of its nodes in preorder. O(nodes). */
export function treeOf(depth: Int32Array, frame: Int32Array): Nodes {
  const { length } = depth;
  const parent = new Int32Array(length);
  const end = new Int32Array(length).fill(length);
  const path = new Int32Array(length); // the node of each depth that is still open
  for (let node = 0, open = 0; node < length; node++) {
    const at = depth[node]!;
    if (at > open || at < (node === 0 ? 0 : 1))
      throw new PayloadError("the call tree is not in preorder");
    for (let closed = at; closed < open; closed++) end[path[closed]!] = node;
    parent[node] = at === 0 ? 0 : path[at - 1]!;
    path[at] = node;
    open = at + 1;
  }
  return { length, parent, frame, depth, end };
}

function readFigures(columns: Columns, prefix: string, length: number): Figures {
  return Object.fromEntries(
    FIGURES.map((name) => [name, columns.figures(`${prefix}_${name}`, length)]),
  ) as Figures;
}

function readSites(columns: Columns, manifest: Manifest, nodes: number): Sites {
  const node = inside("site_node", columns.ids("site_node"), nodes);
  const { length } = node;
  return {
    length,
    node,
    domain: inside("site_domain", columns.ids("site_domain", length), manifest.domains.length),
    thread: inside("site_thread", columns.ids("site_thread", length), manifest.threads.length),
    figures: readFigures(columns, "site", length),
    base: manifest.kind === "diff" ? readFigures(columns, "base", length) : null,
  };
}

function readChanges(columns: Columns, sites: number, ticks: number): Changes | null {
  if (!columns.has("change_site")) return null;
  const site = inside("change_site", columns.ids("change_site"), sites);
  const { length } = site;
  return {
    length,
    site,
    tick: inside("change_tick", columns.ids("change_tick", length), ticks),
    born: inside("change_born", columns.ids("change_born", length), ticks),
    live_bytes: columns.figures("change_live_bytes", length),
    live_blocks: columns.figures("change_live_blocks", length),
    allocated_bytes: columns.figures("change_allocated_bytes", length),
    allocated_blocks: columns.figures("change_allocated_blocks", length),
  };
}

function readTicks(columns: Columns, prefix: string): Ticks {
  const end_s = columns.has(`${prefix}_end_s`)
    ? columns.figures(`${prefix}_end_s`)
    : new Float64Array();
  const known = new Map<string, Float64Array>();
  return {
    length: end_s.length,
    end_s,
    column(name) {
      const full = `${prefix}_${name}`;
      if (!columns.has(full)) return null;
      let values = known.get(full);
      if (!values) {
        values = columns.figures(full, end_s.length);
        known.set(full, values);
      }
      return values;
    },
  };
}

export function readProfile(
  manifest: Manifest,
  columns: Columns,
  heap: HeapData | null = null,
): Profile {
  const strings = new Strings(columns);
  const files = readFiles(columns, strings.length, manifest.owners.length);
  const frames = readFrames(columns, strings.length, files.length);
  const depth = columns.ids("node_depth");
  const nodes = treeOf(
    depth,
    inside("node_frame", columns.ids("node_frame", depth.length), frames.length),
  );
  if (nodes.length === 0) throw new PayloadError("the call tree is empty");
  const ticks = readTicks(columns, "tick");
  const sites = readSites(columns, manifest, nodes.length);
  return {
    manifest,
    strings,
    files,
    frames,
    nodes,
    sites,
    changes: readChanges(columns, sites.length, ticks.length),
    ticks,
    base_ticks: manifest.kind === "diff" ? readTicks(columns, "base_tick") : null,
    heap,
  };
}

// The views, in the order of their tabs. A view is one folder under views/, with a component that takes the
// shared state; `available` says whether a report has anything for it.

import type { ComponentType } from "preact";
import { HeapOfRun } from "../heap/heap_of_run";
import type { Profile } from "../profile/profile";
import type { ReportState } from "../state/report_state";
import { CallGraph } from "./call_graph/call_graph";
import { Flame } from "./flame/flame";
import { Leaks } from "./leaks/leaks";
import { Rss } from "./rss/rss";
import { Sandwich } from "./sandwich/sandwich";
import { Source } from "./source/source";
import { Table } from "./table/table";
import { Threads } from "./threads/threads";
import { Treemap } from "./treemap/treemap";

export interface ViewProps {
  state: ReportState;
}

export interface View {
  id: string;
  title: string;
  /** What it shows, as a sentence: the tab's tooltip and the help's text. */
  about: string;
  component: ComponentType<ViewProps>;
  available(profile: Profile): boolean;
  /** false: the view takes the whole width, the details of the selection are not beside it. */
  details?: boolean;
}

/** The views that have something to show. */
export function viewsOf(profile: Profile): readonly View[] {
  return VIEWS.filter((view) => view.available(profile));
}

export const VIEWS: readonly View[] = [
  {
    id: "flame",
    title: "Flame",
    about: "The call tree: who called whom, as wide as the bytes.",
    component: Flame,
    available: () => true,
  },
  {
    id: "table",
    title: "Table",
    about: "Rows by function, line, file, module, library, site, domain or thread.",
    component: Table,
    available: () => true,
  },
  {
    id: "sandwich",
    title: "Sandwich",
    about: "One function between its callers and its callees.",
    component: Sandwich,
    available: () => true,
  },
  {
    id: "source",
    title: "Source",
    about: "The lines of a file with what each allocated, itself and with what it called.",
    component: Source,
    available: () => true,
    details: false,
  },
  {
    id: "treemap",
    title: "Treemap",
    about: "Packages, files and functions as areas as large as their own bytes.",
    component: Treemap,
    available: () => true,
  },
  {
    id: "calls",
    title: "Call graph",
    about: "Functions as boxes, calls as arrows as wide as the bytes; saved as SVG or DOT.",
    component: CallGraph,
    available: () => true,
  },
  {
    id: "leaks",
    title: "Leaks",
    about: "The lines whose memory keeps growing, and why they are suspected.",
    component: Leaks,
    available: ({ manifest }) => manifest.leaks !== null,
  },
  {
    id: "rss",
    title: "RSS",
    about: "What resident memory is made of, over time and as a ledger.",
    component: Rss,
    available: ({ manifest }) => manifest.rss !== null && manifest.rss.rss_bytes !== null,
    details: false,
  },
  {
    id: "threads",
    title: "Threads",
    about: "What each thread allocated, and which of them the views are about.",
    component: Threads,
    available: ({ manifest }) => manifest.threads.length > 0,
    details: false,
  },
  {
    id: "heap",
    title: "Heap",
    about:
      "The objects of a heap snapshot of this run: types, who holds whom, what looks like a leak.",
    component: HeapOfRun,
    available: ({ heap }) => heap !== null,
    details: false,
  },
];

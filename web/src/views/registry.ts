// The views, in the order of their tabs. A view is one folder under views/, with a component that takes the
// shared state; `available` says whether a report has anything for it.

import type { ComponentType } from "preact";
import type { Profile } from "../profile/profile";
import type { ReportState } from "../state/report_state";
import { Flame } from "./flame/flame";
import { Sandwich } from "./sandwich/sandwich";
import { Table } from "./table/table";

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
];

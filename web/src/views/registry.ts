// The views, in the order of their tabs. A view is one folder under views/, with a component that takes the
// shared state; `available` says whether a report has anything for it.

import type { ComponentType } from "preact";
import type { Profile } from "../profile/profile";
import type { ReportState } from "../state/report_state";
import { Flame } from "./flame/flame";

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
}

export const VIEWS: readonly View[] = [
  {
    id: "flame",
    title: "Flame",
    about: "The call tree: who called whom, as wide as the bytes.",
    component: Flame,
    available: () => true,
  },
];

// What the views and the keys do, over the page.

import { METRICS } from "../profile/figures";
import type { ReportState } from "../state/report_state";
import { size } from "../text/units";
import type { View } from "../views/registry";
import { HelpDialog } from "../widgets/help_dialog";
import { KEYS } from "./keys";

/** Of the page as it came: without what was drawn, and without script and style as they were unpacked. */
function sizeOfFile(): number {
  const of = (id: string) => document.getElementById(id)?.innerHTML.length ?? 0;
  return (
    document.documentElement.outerHTML.length -
    of("report") -
    of("heapscope-running") -
    of("heapscope-look")
  );
}

export function Help({ state, views }: { state: ReportState; views: readonly View[] }) {
  const metrics = METRICS.filter(({ figure }) => figure !== null);
  return (
    <HelpDialog
      sections={[
        ["Views", views.map(({ title, about }) => [title, about])],
        ["Figures", metrics.map(({ label, meaning }) => [label, meaning])],
      ]}
      keys={KEYS}
      footer={`This page is one file of ${size(sizeOfFile())} and asks nothing of any network.`}
      onClose={() => {
        state.help.value = false;
      }}
    >
      Drag over the timeline to ask everything below about a range of time. In the flame a click
      selects, a double click zooms. Hatched bars are frames too narrow to draw one by one: click
      one to look inside.
    </HelpDialog>
  );
}

// What limits this report's figures: a killed program, damage, lost events. Nothing is shown when nothing does.

import type { ReportState } from "../state/report_state";
import { count } from "../text/units";
import { Name } from "../widgets/name";

export function Notices({ state }: { state: ReportState }) {
  const { summary, base_summary } = state.profile.manifest;
  const notices = [summary, base_summary].flatMap((of, index) => {
    if (!of) return [];
    const which = base_summary ? (index === 0 ? "B: " : "A: ") : "";
    const found: string[] = [];
    if (!of.complete) found.push(`${which}tracking was not stopped in order: figures end there`);
    for (const line of of.damage ?? []) found.push(`${which}${line}`);
    if (of.tracker.events_lost > 0)
      found.push(`${which}${count(of.tracker.events_lost)} events were lost`);
    return found;
  });
  if (notices.length === 0) return null;
  return (
    <ul class="notices">
      {notices.slice(0, 5).map((text) => (
        <li key={text}>
          <Name text={text} limit={200} />
        </li>
      ))}
    </ul>
  );
}

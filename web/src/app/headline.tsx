// "Peak 223 MiB at 2.0 s; 57 % from main() at work.py:58": what was asked, and the line to look at.

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { blamedFrames, culpritOf } from "../profile/headline";
import { highestTick } from "../profile/site_values";
import type { ReportState } from "../state/report_state";
import { duration, share, signed, size } from "../text/units";
import { Name } from "../widgets/name";

function subject(state: ReportState): ComponentChildren {
  const { summary } = state.profile.manifest;
  const { total, base } = state.totals.value;
  const figure = <strong>{state.format(total)}</strong>;
  const metric = state.metric.value;
  if (state.isDiff) {
    const before = base?.[0] ?? 0;
    const label = state.metricInfo().label;
    if (total === 0) return <>{label} did not change</>;
    const by = size(Math.abs(total)).replace(/^\u2212/, "");
    const shown = state.metricInfo().unit === "bytes" ? by : state.format(Math.abs(total));
    return (
      <>
        {label} {total > 0 ? "grew" : "shrank"} by <strong>{shown.replace(/^\+/, "")}</strong>
        {before > 0 && ` (${signed(share(total, before), total)})`}
      </>
    );
  }
  const range = state.range.value;
  if (range) {
    const { ticks } = state.profile;
    const end = duration(ticks.end_s[range.last]!);
    const span = `${duration(range.first > 0 ? ticks.end_s[range.first - 1]! : 0)} to ${end}`;
    switch (metric) {
      case "peak": {
        const tick = highestTick(state.profile, range, state.threads.value);
        return (
          <>
            {span}: highest {figure} at {duration(ticks.end_s[tick]!)}
          </>
        );
      }
      case "live":
        return (
          <>
            {figure} live at {end}
          </>
        );
      case "kept":
        return (
          <>
            {span}: {figure} allocated and kept
          </>
        );
      case "freed":
        return (
          <>
            {span}: {figure} allocated and freed
          </>
        );
      default:
        return (
          <>
            {span}: {figure} {metric === "allocations" ? "allocations" : "allocated"}
          </>
        );
    }
  }
  switch (metric) {
    case "peak":
      return (
        <>
          Peak {figure}
          {summary.peak_at_s !== null && ` at ${duration(summary.peak_at_s)}`}
        </>
      );
    case "live":
      return <>{figure} live at the end</>;
    case "allocated":
      return <>{figure} allocated</>;
    case "allocations":
      return <>{figure} allocations</>;
    default:
      return <>{figure} temporary</>;
  }
}

export function Headline({ state }: { state: ReportState }) {
  const { self, total } = state.totals.value;
  const blamed = useMemo(() => blamedFrames(state.profile), [state]);
  const culprit = useMemo(() => culpritOf(state.profile, blamed, self), [state, blamed, self]);
  const threads = state.threads.value;
  return (
    <h1 class="headline">
      {subject(state)}
      {threads && ` in ${threads.size} of ${state.profile.manifest.threads.length} threads`}
      {culprit && total !== 0 && (
        <>
          ;{" "}
          <strong>
            {state.isDiff ? state.format(culprit.value) : share(culprit.value, total)}
          </strong>{" "}
          from{" "}
          <button
            type="button"
            class="culprit"
            title="Select this line in every view"
            onClick={() => state.selectFrame(culprit.frame)}
          >
            <code>
              <Name text={`${state.names.function(culprit.frame)}()`} limit={60} />
            </code>{" "}
            at{" "}
            <code>
              <Name text={state.names.place(culprit.frame)} limit={60} />
            </code>
          </button>
        </>
      )}
    </h1>
  );
}

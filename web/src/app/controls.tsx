// The tabs of the views, and what is asked of all of them: metric, range, threads.

import type { ReportState } from "../state/report_state";
import { duration } from "../text/units";
import { beginOf } from "../timeline/timeline";
import type { View } from "../views/registry";
import { Choice } from "../widgets/choice";
import { ThreadPick } from "./thread_pick";

export interface ControlsProps {
  state: ReportState;
  views: readonly View[];
  view: View;
}

export function Controls({ state, views, view }: ControlsProps) {
  const range = state.range.value;
  const { ticks, manifest } = state.profile;
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const next = views[(views.indexOf(view) + by + views.length) % views.length]!;
    state.view.value = next.id;
    document.getElementById(`tab-${next.id}`)?.focus();
    event.preventDefault();
  };
  return (
    <div class="controls">
      <div class="tabs" role="tablist" aria-label="Views" onKeyDown={step}>
        {views.map(({ id, title, about }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            tabIndex={id === view.id ? 0 : -1}
            aria-selected={id === view.id}
            aria-controls="view"
            title={about}
            onClick={() => {
              state.view.value = id;
            }}
          >
            {title}
          </button>
        ))}
      </div>
      <div class="asked">
        {range && (
          <span class="chip">
            {duration(beginOf(ticks, range))} to {duration(ticks.end_s[range.last])}
            <button
              type="button"
              aria-label="Ask about the whole run again"
              title="Ask about the whole run again"
              onClick={() => state.setRange(null)}
            >
              {"\u00d7"}
            </button>
          </span>
        )}
        {manifest.threads.length > 1 && <ThreadPick state={state} />}
        <Choice
          label="Metric"
          options={state.metrics().map(({ id, label, meaning, meaningInRange }) => ({
            id,
            label: range ? label.replace(" at end", "") : label,
            about: range ? meaningInRange : meaning,
          }))}
          value={state.metric.value}
          onChange={(id) => {
            state.metric.value = id;
          }}
        />
      </div>
    </div>
  );
}

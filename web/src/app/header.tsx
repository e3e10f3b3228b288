// The opening sentence and the choice of metric.

import type { ReportState } from "../state/report_state";
import { size } from "../text/units";

export function Header({ state }: { state: ReportState }) {
  const { summary } = state.profile.manifest;
  return (
    <header class="header">
      <h1>Peak {size(summary.peak_bytes)}</h1>
      <div role="group" aria-label="Metric" class="switch">
        {state.metrics().map(({ id, label, meaning }) => (
          <button
            key={id}
            type="button"
            title={meaning}
            aria-pressed={state.metric.value === id}
            onClick={() => {
              state.metric.value = id;
            }}
          >
            {label}
          </button>
        ))}
      </div>
    </header>
  );
}

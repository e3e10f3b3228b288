// Which threads are asked about.

import type { ReportState } from "../state/report_state";
import { Name } from "../widgets/name";

export function ThreadPick({ state }: { state: ReportState }) {
  const names = state.profile.manifest.threads;
  const chosen = state.threads.value;
  const toggle = (index: number) => {
    const next = new Set(chosen ?? names.keys());
    if (!next.delete(index)) next.add(index);
    state.threads.value = next.size === 0 || next.size === names.length ? null : next;
  };
  return (
    <details class="threads-pick">
      <summary>{chosen ? `${chosen.size} of ${names.length} threads` : "All threads"}</summary>
      <div class="menu">
        {names.map((name, index) => (
          <label key={index}>
            <input
              type="checkbox"
              checked={chosen?.has(index) ?? true}
              onChange={() => toggle(index)}
            />
            <Name text={name} limit={40} />
            <button
              type="button"
              class="only"
              onClick={() => {
                state.threads.value = new Set([index]);
              }}
            >
              only
            </button>
          </label>
        ))}
        <button
          type="button"
          onClick={() => {
            state.threads.value = null;
          }}
        >
          All threads
        </button>
      </div>
    </details>
  );
}

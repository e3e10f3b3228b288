// What is selected, in full: its name, its place, every figure, the split over domains and threads.

import { useMemo } from "preact/hooks";
import { ownerStyle } from "../flame/describe_bar";
import { STYLE_NAMES } from "../flame/palette";
import type { FigureName } from "../profile/figures";
import type { ReportState, Selection } from "../state/report_state";
import { count, share, size } from "../text/units";
import { BarCell } from "../widgets/bar_cell";
import { Name } from "../widgets/name";
import { figuresOf } from "./figures_of";

const ROWS: { label: string; figure: FigureName; unit: "bytes" | "count" }[] = [
  { label: "Peak", figure: "peak_bytes", unit: "bytes" },
  { label: "blocks", figure: "peak_blocks", unit: "count" },
  { label: "Live at end", figure: "live_bytes", unit: "bytes" },
  { label: "blocks", figure: "live_blocks", unit: "count" },
  { label: "Allocated", figure: "allocated_bytes", unit: "bytes" },
  { label: "allocations", figure: "allocations", unit: "count" },
  { label: "Temporary", figure: "temporary_bytes", unit: "bytes" },
  { label: "allocations", figure: "temporary_allocations", unit: "count" },
  { label: "Largest block", figure: "largest_bytes", unit: "bytes" },
];

export function Details({ state }: { state: ReportState }) {
  const selection = state.selection.value;
  return (
    <aside class="details" aria-label="Details of the selection">
      {selection ? (
        <Selected state={state} selection={selection} />
      ) : (
        <p class="empty">
          Select a bar or a row to see all its figures. Every view points at the same selection.
        </p>
      )}
    </aside>
  );
}

function Selected({ state, selection }: { state: ReportState; selection: Selection }) {
  const grouping = state.grouping(selection.kind);
  const frame = grouping.exampleFrame[selection.key] ?? 0;
  const values = state.values.value;
  const figures = useMemo(() => figuresOf(state, selection), [state, selection, values]);
  const { self, inclusive } = state.groupTotals(selection.kind);
  const { total, weight } = state.totals.value;
  const whole = state.isDiff ? weight[0]! : total;
  const style = frame === 0 ? "none" : ownerStyle(state.names.ownerOfFrame(frame));
  const byLine = selection.kind === "line";
  const name = byLine ? state.names.function(frame) : state.names.group(grouping, selection.key);
  const source = byLine ? state.sourceLine(frame) : null;
  return (
    <>
      <header>
        <h2>
          <Name text={name} limit={160} />
        </h2>
        <button
          type="button"
          class="quiet"
          title="Clear the selection"
          aria-label="Clear the selection"
          onClick={() => {
            state.selection.value = null;
          }}
        >
          {"\u00d7"}
        </button>
      </header>
      {frame !== 0 && (
        <p class="place">
          <Name
            text={byLine ? state.names.fullPlace(frame) : state.names.fileOfFrame(frame)}
            limit={240}
          />
        </p>
      )}
      {source && (
        <pre class="source-line">
          <Name text={source} limit={200} />
        </pre>
      )}
      <p class="owner">
        <i class={`swatch ${style}`} aria-hidden="true" /> {STYLE_NAMES[style]}
      </p>
      <dl class="bars">
        <dt>With callees</dt>
        <dd>
          <BarCell
            value={inclusive[selection.key]!}
            whole={whole}
            text={state.format(inclusive[selection.key]!)}
          />
        </dd>
        <dt>Itself</dt>
        <dd>
          <BarCell
            value={self[selection.key]!}
            whole={whole}
            text={state.format(self[selection.key]!)}
            look="self"
          />
        </dd>
      </dl>
      <table class="figures">
        <caption>{state.isDiff ? "Figures of B" : "Whole run"}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">Figure</span>
            </th>
            <th scope="col">Itself</th>
            <th scope="col">With callees</th>
          </tr>
        </thead>
        <tbody>
          {ROWS.map(({ label, figure, unit }) => {
            const text = unit === "bytes" ? size : count;
            return (
              <tr key={figure} class={unit}>
                <th scope="row">{label}</th>
                <td>{text(figures.self[figure])}</td>
                <td>{text(figures.inclusive[figure])}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <Split
        title="Domains"
        names={state.profile.manifest.domains}
        values={figures.domains}
        state={state}
      />
      {state.profile.manifest.threads.length > 1 && (
        <Split
          title="Threads"
          names={state.profile.manifest.threads}
          values={figures.threads}
          state={state}
        />
      )}
    </>
  );
}

const MOST = 6;

function Split({
  title,
  names,
  values,
  state,
}: {
  title: string;
  names: string[];
  values: Float64Array;
  state: ReportState;
}) {
  const rows = names
    .map((name, index) => ({ name, value: values[index]! }))
    .filter(({ value }) => value !== 0)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  if (rows.length === 0) return null;
  const whole = rows.reduce((sum, { value }) => sum + Math.abs(value), 0);
  const rest = rows.slice(MOST);
  const others = rest.reduce((sum, { value }) => sum + value, 0);
  return (
    <section class="split">
      <h3>{title}</h3>
      <dl class="bars">
        {rows.slice(0, MOST).map(({ name, value }) => (
          <>
            <dt>
              <Name text={name} limit={24} />
            </dt>
            <dd>
              <BarCell value={value} whole={whole} text={state.format(value)} look="self" />
            </dd>
          </>
        ))}
      </dl>
      {rest.length > 0 && (
        <p class="muted">
          {rest.length} more: {state.format(others)} ({share(others, whole)})
        </p>
      )}
    </section>
  );
}

// What keeps growing: each suspect with the reason why, its curve, and its stack; then what was looked at and
// found to hold still.

import { useMemo, useState } from "preact/hooks";
import type { Hidden, LeakRow } from "../../payload/manifest";
import { shortFile } from "../../profile/names";
import { count, duration, share, size } from "../../text/units";
import { Name } from "../../widgets/name";
import { Sparkline } from "../../widgets/sparkline";
import type { ViewProps } from "../registry";
import { frameFinder } from "./frame_finder";
import "../../widgets/plain.css";
import "./leaks.css";

/** Of lines that do not grow, how many are shown before somebody asks. */
const FEW = 10;

export function Leaks({ state }: ViewProps) {
  const leaks = state.profile.manifest.leaks!;
  const find = useMemo(() => frameFinder(state.profile), [state]);
  const wanted = state.search.value.trim().toLowerCase();
  const rows = leaks.rows.filter((row) =>
    `${row.function} ${row.file}:${row.line ?? ""}`.toLowerCase().includes(wanted),
  );
  const suspects = rows.filter(({ suspect }) => suspect);
  const others = rows.filter(({ suspect }) => !suspect);
  const [showsAll, setShowsAll] = useState(false);
  const shown = showsAll ? others : others.slice(0, FEW);
  const live = state.profile.manifest.summary.live_bytes_at_end;
  const row = (each: LeakRow) => (
    <Row
      key={`${each.file}:${each.line} ${each.function}`}
      row={each}
      live={live}
      frame={find(each)}
      state={state}
    />
  );
  return (
    <div class="leaks">
      <p class="leaks-verdict">{verdictOf(suspects, leaks.duration_s, leaks.too_short === true)}</p>
      {suspects.length > 0 && <ol>{suspects.map(row)}</ol>}
      {others.length > 0 && (
        <section>
          <h2>Not suspected</h2>
          <ol>{shown.map(row)}</ol>
          {shown.length < others.length && (
            <button type="button" class="plain-button" onClick={() => setShowsAll(true)}>
              Show {count(others.length - shown.length)} more
            </button>
          )}
        </section>
      )}
      {wanted !== "" && rows.length === 0 && <p class="empty">No line matches the search.</p>}
      <p class="muted">{foldedOf(leaks.folded, leaks.hidden)}</p>
    </div>
  );
}

export function verdictOf(suspects: LeakRow[], duration_s: number, isTooShort: boolean): string {
  if (isTooShort)
    return `The run of ${duration(duration_s)} is too short to tell what keeps growing.`;
  if (suspects.length === 0) return `Nothing kept growing in ${duration(duration_s)}.`;
  const bytes = suspects.reduce((sum, { growth_bytes }) => sum + growth_bytes, 0);
  const lines = suspects.length === 1 ? "1 line keeps" : `${count(suspects.length)} lines keep`;
  return `${lines} growing: ${size(bytes)} in ${duration(duration_s)}.`;
}

export function foldedOf(folded: Hidden | undefined, hidden: Hidden | undefined): string {
  const parts: string[] = [];
  if (folded && folded.rows > 0)
    parts.push(
      `${count(folded.rows)} lines of the interpreter and of imports are folded (${size(folded.bytes)}); \`heapscope leaks --all\` shows them.`,
    );
  if (hidden && hidden.rows > 0)
    parts.push(
      `${count(hidden.rows)} smaller lines are left out of the report (${size(hidden.bytes)}).`,
    );
  return parts.join(" ");
}

const PATTERNS: Record<LeakRow["pattern"], string> = {
  growing: "grows steadily",
  steps: "grows in steps",
  plateau: "holds still",
  sawtooth: "rises and falls",
};

function Row({
  row,
  live,
  frame,
  state,
}: ViewProps & { row: LeakRow; live: number; frame: number | null }) {
  const place = `${shortFile(row.file)}${row.line ? `:${row.line}` : ""}`;
  const isSelected = frame !== null && state.isSelected(frame);
  const curve = row.live_bytes_over_time;
  return (
    <li class={isSelected ? "leak selected" : "leak"}>
      <div class="leak-head">
        <button
          type="button"
          class="leak-place"
          disabled={frame === null}
          aria-pressed={isSelected}
          title="Select this line in every view"
          onClick={() => state.selectFrame(frame)}
        >
          <strong>
            <Name text={row.function} limit={60} />
          </strong>{" "}
          <code>
            <Name text={place} limit={80} />
          </code>
        </button>
        {curve && (
          <Sparkline
            values={curve}
            width={120}
            height={24}
            label={`Live over the run: from ${size(curve[0])} to ${size(curve.at(-1))}`}
          />
        )}
        <dl>
          <div>
            <dt>grew by</dt>
            <dd>{size(row.growth_bytes)}</dd>
          </div>
          <div>
            <dt>a second</dt>
            <dd>{size(row.growth_bytes_per_s)}</dd>
          </div>
          <div>
            <dt>live at the end</dt>
            <dd>
              {size(row.live_bytes)} ({share(row.live_bytes, live)})
            </dd>
          </div>
        </dl>
        <span class={`leak-pattern ${row.suspect ? "suspect" : ""}`}>{PATTERNS[row.pattern]}</span>
      </div>
      <p class="leak-reason">
        <Name text={row.reason} limit={400} />
      </p>
      <details>
        <summary>Stack of {count(row.stack.length)}</summary>
        <ol class="leak-stack">
          {row.stack.toReversed().map((each, depth) => (
            <li key={depth}>
              <Name text={each.function} limit={80} />{" "}
              <code>
                <Name
                  text={`${shortFile(each.file)}${each.line ? `:${each.line}` : ""}`}
                  limit={80}
                />
              </code>
            </li>
          ))}
        </ol>
      </details>
    </li>
  );
}

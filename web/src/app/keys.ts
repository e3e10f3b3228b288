// Keys that work everywhere but in a text field.

import { GROUPINGS } from "../profile/grouping";
import type { ReportState } from "../state/report_state";
import { viewsOf } from "../views/registry";
import { type KeyHelp, listenForPageKeys } from "../widgets/page_keys";

export const KEYS: readonly KeyHelp[] = [
  { keys: "1 \u2026 9", does: "a view" },
  { keys: "m", does: "the next metric" },
  { keys: "/", does: "search" },
  { keys: "Esc", does: "lift the search, the zoom, the range, the selection" },
  { keys: "i", does: "turn the flame: callees, or inverted" },
  { keys: "f", does: "icicle or flame" },
  { keys: "g", does: "what bars are: lines, functions, files, modules, libraries" },
  { keys: "\u2190 \u2191 \u2193 \u2192", does: "in the flame: walk; in a table: rows" },
  { keys: "Enter", does: "in the flame: zoom; in the table: callers and callees" },
  { keys: "Backspace", does: "in the flame: back out" },
  { keys: "Shift \u2190 \u2192", does: "on the timeline: the range\u2019s end" },
  { keys: "t", does: "theme: the system\u2019s, dark, light" },
  { keys: "?", does: "this list" },
];

/** Undoes the last kind of choice that is made. */
function undo(state: ReportState): void {
  const focus = state.flameFocus.value;
  if (state.search.value) state.search.value = "";
  else if (focus.node !== 0 || focus.from >= 0) state.zoom({ node: 0, from: -1 });
  else if (state.range.value) state.setRange(null);
  else state.selection.value = null;
}

export function listenForKeys(state: ReportState): () => void {
  const next = <T>(all: readonly T[], now: T): T => all[(all.indexOf(now) + 1) % all.length]!;
  const actions: Record<string, () => void> = {
    m: () => {
      const ids = state.metrics().map(({ id }) => id);
      state.metric.value = next(ids, state.metric.value);
    },
    "/": () => document.getElementById("search")?.focus(),
    "?": () => {
      state.help.value = !state.help.value;
    },
    i: () => {
      state.flameInverted.value = !state.flameInverted.value;
    },
    f: () => {
      state.flameUpward.value = !state.flameUpward.value;
    },
    g: () => {
      state.flameBy.value = next(GROUPINGS, state.flameBy.value);
    },
    t: () => {
      state.theme.value = next(["system", "dark", "light"] as const, state.theme.value);
    },
    Escape: () => undo(state),
  };
  for (const [index, { id }] of viewsOf(state.profile).entries())
    if (index < 9)
      actions[String(index + 1)] = () => {
        state.view.value = id;
      };
  return listenForPageKeys(actions);
}

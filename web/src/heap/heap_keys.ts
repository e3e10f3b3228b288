// Keys of the report of a snapshot that work everywhere but in a text field.

import { type KeyHelp, listenForPageKeys } from "../widgets/page_keys";
import type { HeapState } from "./heap_state";
import { viewsOfHeap } from "./heap_views";

export const HEAP_KEYS: readonly KeyHelp[] = [
  { keys: "1 \u2026 7", does: "a view" },
  { keys: "/", does: "search types" },
  { keys: "\u2191 \u2193", does: "in a table: rows" },
  {
    keys: "\u2190 \u2192",
    does: "in a tree: close and open; in the treemap: walk, with \u2191 \u2193",
  },
  { keys: "Enter", does: "in the treemap: open; in the comparison: the objects of the type" },
  { keys: "Backspace", does: "the object before; in the treemap: back out" },
  { keys: "Esc", does: "lift the search, the object, the type" },
  { keys: "t", does: "theme: the system\u2019s, dark, light" },
  { keys: "?", does: "this list" },
];

/** Undoes the last kind of choice that is made. */
function undo(state: HeapState): void {
  if (state.search.value) state.search.value = "";
  else if (state.object.value !== null) state.object.value = null;
  else state.type.value = null;
}

export function listenForHeapKeys(
  state: HeapState,
  page: { theme(): void; help(): void },
): () => void {
  const actions: Record<string, () => void> = {
    "/": () => {
      state.view.value = "types";
      // The view is drawn in a microtask, which comes before the next key.
      queueMicrotask(() => document.getElementById("heap-search")?.focus());
    },
    "?": page.help,
    t: page.theme,
    Backspace: () => state.back(),
    Escape: () => undo(state),
  };
  for (const [index, { id }] of viewsOfHeap(state).entries())
    actions[String(index + 1)] = () => {
      state.view.value = id;
    };
  return listenForPageKeys(actions);
}

// What the Heap views and the keys do, over the page.

import { HelpDialog, type Meaning } from "../widgets/help_dialog";
import { HEAP_KEYS } from "./heap_keys";
import { type HeapViewProps, viewsOfHeap } from "./heap_views";

const WORDS: readonly Meaning[] = [
  ["Shallow", "An object\u2019s own bytes, as asked of the allocator."],
  ["Retained", "What would be freed with it: itself and all that it alone keeps alive."],
  ["Held alone by", "The objects without which it would be freed: its dominators, nearest first."],
  ["Root", "What keeps objects alive for itself: modules, frames, the interpreter, C code."],
];

export function HeapHelp({ state, onClose }: HeapViewProps & { onClose(): void }) {
  return (
    <HelpDialog
      sections={[
        ["Views", viewsOfHeap(state).map(({ title, about }) => [title, about])],
        ["Words", WORDS],
      ]}
      keys={HEAP_KEYS}
      onClose={onClose}
    >
      The report holds the objects that matter most, some thousands of them. Where the rest is left
      out, it says how much that is.
    </HelpDialog>
  );
}

// What the Heap views and the keys do, over the page.

import { useEffect, useRef } from "preact/hooks";
import { HEAP_KEYS } from "./heap_keys";
import { type HeapViewProps, viewsOfHeap } from "./heap_views";

const WORDS: readonly [string, string][] = [
  ["Shallow", "An object\u2019s own bytes, as asked of the allocator."],
  ["Retained", "What would be freed with it: itself and all that it alone keeps alive."],
  ["Held alone by", "The objects without which it would be freed: its dominators, nearest first."],
  ["Root", "What keeps objects alive for itself: modules, frames, the interpreter, C code."],
];

export function HeapHelp({ state, onClose }: HeapViewProps & { onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current!.showModal();
  }, []);
  const list = (rows: readonly (readonly [string, string])[]) => (
    <dl>
      {rows.map(([word, meaning]) => (
        <>
          <dt key={word}>{word}</dt>
          <dd>{meaning}</dd>
        </>
      ))}
    </dl>
  );
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}>
      <header>
        <h2 id="help-title">How to read this report</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
          {"\u00d7"}
        </button>
      </header>
      <div class="help-columns">
        <section>
          <h3>Views</h3>
          {list(viewsOfHeap(state).map(({ title, about }) => [title, about]))}
          <h3>Words</h3>
          {list(WORDS)}
        </section>
        <section>
          <h3>Keys</h3>
          <dl class="keys">
            {HEAP_KEYS.map(({ keys, does }) => (
              <>
                <dt key={keys}>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{does}</dd>
              </>
            ))}
          </dl>
          <p>
            The report holds the objects that matter most, some thousands of them. Where the rest is
            left out, it says how much that is.
          </p>
        </section>
      </div>
    </dialog>
  );
}

// The state in the address after "#": a view can be bookmarked and sent. Where a page may not write its address (a
// notebook's sandboxed frame) nothing happens.

import { effect } from "@preact/signals";

/** Browsers are slow to write an address, and stop a page that writes it too often. */
const SETTLED_MS = 60;

export interface InHash {
  write(): string;
  /** Takes over what the hash says and the report can follow; the rest is left as it is. */
  read(hash: string): void;
  /** What the browser's back goes back to: a change of it is a step in its history. */
  step(): string;
}

/** Keeps the address and the state alike. */
export function followHash(state: InHash): void {
  const shown = () => location.hash.replace(/^#/, "");
  state.read(location.hash);
  let step = state.step();
  window.addEventListener("hashchange", () => {
    if (shown() === state.write()) return;
    state.read(location.hash);
    step = state.step();
  });
  const write = (hash: string) => {
    if (hash === shown()) return;
    const isStep = state.step() !== step;
    step = state.step();
    try {
      if (isStep) history.pushState(null, "", `#${hash}`);
      else history.replaceState(null, "", `#${hash}`);
    } catch {
      // A page without an address of its own.
    }
  };
  let due: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const hash = state.write();
    clearTimeout(due);
    due = setTimeout(() => write(hash), SETTLED_MS);
  });
}

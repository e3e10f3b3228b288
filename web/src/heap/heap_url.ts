// The Heap views' part of the address: what is looked at comes back with a link, and with the browser's back.

import { batch } from "@preact/signals";
import type { HeapState } from "./heap_state";

export function writeHeapTo(written: URLSearchParams, state: HeapState): void {
  const put = (name: string, value: string | number | null, usual: string | number = "") => {
    if (value !== null && value !== usual) written.set(name, String(value));
  };
  put("heap", state.view.value, "types");
  put("type", state.type.value);
  put("types", state.search.value);
  put("object", state.object.value);
  put("line", state.site.value);
  put("part", state.part.value, 0);
}

const wholeNumber = (text: string | null): number | null =>
  text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;

/** Takes over what this report has; the rest goes back to what is usual. */
export function readHeapFrom(read: URLSearchParams, state: HeapState): void {
  batch(() => {
    state.view.value = read.get("heap") ?? "types";
    const type = read.get("type");
    state.type.value = state.typeRow(type) ? type : null;
    state.search.value = read.get("types") ?? "";
    const object = wholeNumber(read.get("object"));
    const known = object !== null && state.listed(object) ? object : null;
    if (known !== state.object.value) {
      // The browser went back to it: it is no longer one that was looked at before.
      const { value } = state.before;
      state.before.value = value.at(-1) === known ? value.slice(0, -1) : [];
      state.object.value = known;
    }
    const line = wholeNumber(read.get("line"));
    state.site.value = line !== null && state.data.sites?.rows[line] ? line : null;
    const part = wholeNumber(read.get("part")) ?? 0;
    state.part.value = (state.children[part]?.length ?? 0) > 0 ? part : 0;
  });
}

/** What makes a step of its own in the browser's history: another view, object or part; letters typed do not. */
export function heapStep(state: HeapState): string {
  return [state.view, state.object, state.type, state.site, state.part]
    .map(({ value }) => String(value))
    .join("\n");
}

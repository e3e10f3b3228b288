// What a snapshot says in a sentence.

import { count, share, size } from "../text/units";
import { Name } from "../widgets/name";
import { leaksAndWaste, titleOf } from "./findings";
import type { HeapState } from "./heap_state";

export function HeapHeadline({ state }: { state: HeapState }) {
  const { data } = state;
  const leak = leaksAndWaste(data.suspects).leaks[0];
  const biggest = leak ? undefined : data.types[0];
  const change = data.comparison ? data.total_bytes - data.comparison.base_total_bytes : null;
  return (
    <h1 class="headline">
      {count(data.objects)} objects, <strong>{size(data.total_bytes)}</strong>
      {change !== null && (
        <>
          , {change >= 0 ? size(change) : size(-change)} {change >= 0 ? "more" : "less"} than before
        </>
      )}
      {leak && (
        <>
          ; <Name text={leak.path || titleOf(leak)} limit={60} /> keeps {size(leak.bytes)} and looks
          like a leak
        </>
      )}
      {biggest && (
        <>
          ; <Name text={biggest.type} limit={60} /> retains{" "}
          {share(biggest.retained_bytes, data.all_bytes)}
        </>
      )}
      {data.garbage.objects > 0 && (
        <>; {count(data.garbage.objects)} are garbage that no collection has found yet</>
      )}
      .
    </h1>
  );
}

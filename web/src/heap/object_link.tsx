// An object in one line: its type, its text, its sizes. A button where the report holds it, else plain text.

import { size } from "../text/units";
import { Name } from "../widgets/name";
import type { HeapState } from "./heap_state";

interface Known {
  type: string;
  size_bytes: number;
  retained_bytes: number;
}

export function ObjectLink({
  state,
  object,
  known,
}: {
  state: HeapState;
  object: number;
  known?: Known;
}) {
  const listed = state.listed(object);
  const told = listed ?? known;
  if (!told) return <span class="muted">an object that is not in this report</span>;
  const root = state.data.roots.find(({ id }) => id === object);
  const text = (
    <>
      <Name text={root?.label ?? told.type} limit={70} />
      {listed?.text != null && (
        <>
          {" "}
          <code>
            <Name text={JSON.stringify(listed.text)} limit={40} />
          </code>
        </>
      )}
      {!root && (
        <span class="muted">
          {" "}
          {size(told.size_bytes)}
          {told.retained_bytes !== told.size_bytes && `, retains ${size(told.retained_bytes)}`}
        </span>
      )}
    </>
  );
  if (!listed || root) return <span class="object-link">{text}</span>;
  return (
    <button
      type="button"
      class="object-link"
      aria-current={state.object.value === object ? "true" : undefined}
      onClick={() => state.show(object)}
    >
      {text}
    </button>
  );
}

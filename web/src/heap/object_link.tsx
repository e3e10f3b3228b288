// An object by its type and its text. A button where the report holds it, else plain text.

import { Name } from "../widgets/name";
import type { HeapState } from "./heap_state";

export interface ObjectLinkProps {
  state: HeapState;
  object: number;
  /** Of an object that is not in the report. */
  type?: string | undefined;
}

export function ObjectLink({ state, object, type }: ObjectLinkProps) {
  const listed = state.listed(object);
  const label = state.labelOf(object);
  const called = label ?? listed?.type ?? type;
  if (called === undefined) return <span class="muted">an object that is not in this report</span>;
  const text = (
    <>
      <Name text={called} limit={70} />
      {listed?.text != null && (
        <>
          {" "}
          <code>
            <Name text={JSON.stringify(listed.text)} limit={40} />
          </code>
        </>
      )}
    </>
  );
  if (!listed || label !== undefined) return <span class="object-link">{text}</span>;
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

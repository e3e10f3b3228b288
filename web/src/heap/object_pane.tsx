// The object that is looked at: how it is reached, who refers to it, what it refers to, where it was allocated.

import { shortFile } from "../profile/names";
import { count, size } from "../text/units";
import { visible } from "../text/visible";
import { Name } from "../widgets/name";
import type { References } from "./heap_data";
import type { HeapState } from "./heap_state";
import type { HeapViewProps } from "./heap_views";
import { ObjectRows } from "./object_rows";
import { shownReferences } from "./references";

const HELD: Record<string, string> = {
  immortal: "It is immortal: the interpreter never frees it.",
  c: "C code holds a reference to it that no object accounts for.",
  garbage: "Nothing holds it: garbage that no collection has found yet.",
};

export function ObjectPane({ state }: HeapViewProps) {
  const object = state.object.value;
  const told = object === null ? undefined : state.listed(object);
  const stack = told?.born == null ? undefined : state.data.stacks[told.born];
  return (
    <aside class="details heap-object" aria-label="The object">
      {object === null || !told ? (
        <p class="empty">
          Select an object to see who holds it and what it holds. {count(size_of(state))} objects
          are in this report, those that retain most.
        </p>
      ) : (
        <>
          <header>
            <h2>
              <Name text={told.type} limit={120} />
            </h2>
            <button
              type="button"
              class="quiet"
              disabled={state.before.value.length === 0}
              title="The object before"
              aria-label="The object before"
              onClick={() => state.back()}
            >
              {"\u2190"}
            </button>
          </header>
          {told.text !== null && (
            <p class="source-line">
              <code>
                <Name text={told.text} limit={200} />
              </code>
            </p>
          )}
          <dl class="heap-figures">
            <dt>Shallow</dt>
            <dd>{size(told.size_bytes)}</dd>
            <dt>Retained</dt>
            <dd>{size(told.retained_bytes)}</dd>
            <dt>Address</dt>
            <dd>{told.address === null ? "none" : `0x${told.address.toString(16)}`}</dd>
            <dt>References to it</dt>
            <dd>{count(told.reference_count)}</dd>
            <dt>Steps from a root</dt>
            <dd>{count(told.distance)}</dd>
          </dl>
          {told.held !== null && HELD[told.held] && <p>{HELD[told.held]}</p>}
          <h3>Reached by</h3>
          <p class="heap-path">
            <code>
              <Name text={told.path || "nothing"} limit={600} />
            </code>
          </p>
          <h3>Held alone by</h3>
          <Holders state={state} object={object} />
          <ReferenceList title="Who refers to it" state={state} found={told.referrers} />
          <ReferenceList title="What it refers to" state={state} found={told.references} />
          {stack && stack.length > 0 && (
            <>
              <h3>{told.born_of_block ? "Its block was allocated at" : "Allocated at"}</h3>
              {told.born_of_block && (
                <p class="muted">Maybe for another object: this type's blocks are used again.</p>
              )}
              <ol class="heap-stack">
                {stack.toReversed().map(([name, file, line], depth) => (
                  <li key={depth}>
                    <Name text={name} limit={60} />{" "}
                    <code title={visible(file)}>
                      <Name text={`${shortFile(file)}${line ? `:${line}` : ""}`} limit={60} />
                    </code>
                  </li>
                ))}
              </ol>
            </>
          )}
        </>
      )}
    </aside>
  );
}

const size_of = (state: HeapState) => Object.keys(state.data.listed).length;

/** The objects that hold it alone, the nearest first. */
function Holders({ state, object }: HeapViewProps & { object: number }) {
  const chain: number[] = [];
  let at = state.listed(object)?.dominator ?? null;
  while (at !== null && chain.length < 12 && !chain.includes(at)) {
    chain.push(at);
    at = state.listed(at)?.dominator ?? null;
  }
  if (chain.length === 0) return <p class="muted">No object alone: several roots, or it is one.</p>;
  return (
    <ObjectRows
      state={state}
      label="Held alone by"
      rows={chain.map((each) => ({ object: each }))}
    />
  );
}

function ReferenceList({
  title,
  state,
  found,
}: HeapViewProps & { title: string; found: References }) {
  const left = found.total - found.rows.length;
  const rows = shownReferences(found.rows, (object) => !!state.listed(object));
  return (
    <>
      <h3>
        {title} ({count(found.total)})
      </h3>
      {rows.length > 0 && <ObjectRows state={state} label={title} rows={rows} />}
      {left > 0 && <p class="muted">{count(left)} more are not in this report.</p>}
    </>
  );
}

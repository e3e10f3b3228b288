// The objects of a type that retain most, and what holds all of them.

import { count, share, size } from "../text/units";
import { Name } from "../widgets/name";
import type { HeapViewProps } from "./heap_views";
import { ObjectRows } from "./object_rows";

export function OfType({ state, type }: HeapViewProps & { type: string | null }) {
  const row = state.typeRow(type);
  if (!row)
    return (
      <p class="muted heap-below">
        {type === null ? (
          "Select a type to see its biggest objects and who holds them."
        ) : (
          <>
            No <Name text={type} limit={60} /> is left, or the type is too small to be in this
            report.
          </>
        )}
      </p>
    );
  const merged = state.data.merged[row.type];
  const listed = row.objects.filter((object) => state.listed(object));
  const left = row.count - listed.length;
  return (
    <div class="heap-below">
      <section aria-label="Objects of the type">
        <h2>
          Objects of <Name text={row.type} limit={60} />
        </h2>
        {listed.length > 0 && (
          <ObjectRows
            state={state}
            label="Objects of the type"
            rows={listed.map((object) => ({ object }))}
            withPath
          />
        )}
        <p class="muted">
          {listed.length === 0
            ? `${count(row.count)} objects, none of which is in this report.`
            : left > 0
              ? `The ${count(listed.length)} that retain most; ${count(left)} more are not in this report.`
              : "That is all of them."}
        </p>
      </section>
      <section aria-label="Held by">
        <h2>Held by</h2>
        {merged ? (
          <table class="held-by" aria-label="Held by">
            <tbody>
              {merged.map((each, index) => (
                <tr key={index}>
                  <td>{share(each.count, row.count)}</td>
                  <td>{count(each.count)}</td>
                  <td>{size(each.bytes)}</td>
                  <td>
                    <code>
                      <Name text={each.pattern ?? each.held_by} limit={160} />
                    </code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        ) : (
          <p class="muted">
            {row.count === 1
              ? "It is one object: select it to see who holds it."
              : "What holds it was not worked out for this report: other types are larger."}
          </p>
        )}
      </section>
    </div>
  );
}

// Objects one below the other with their sizes: those of a type or a line, holders, references both ways.

import { size } from "../text/units";
import { Name } from "../widgets/name";
import type { HeapState } from "./heap_state";
import { ObjectLink } from "./object_link";

export interface ObjectRow {
  object: number;
  /** What the reference to or from it is called. */
  name?: string;
  /** Of an object that is not in the report. */
  type?: string;
  size_bytes?: number;
  /** null: of several, that may hold one another. */
  retained_bytes?: number | null;
  times?: number;
}

export interface ObjectRowsProps {
  state: HeapState;
  label: string;
  rows: readonly ObjectRow[];
  /** Whether the path that reaches it stands beside it. */
  withPath?: boolean;
}

export function ObjectRows({ state, label, rows, withPath = false }: ObjectRowsProps) {
  return (
    <table class="object-rows" aria-label={label}>
      <thead>
        <tr>
          <th scope="col">
            <span class="unseen">Object</span>
          </th>
          <th scope="col">Shallow</th>
          <th scope="col">Retained</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => {
          const listed = state.listed(row.object);
          const isRoot = state.labelOf(row.object) !== undefined;
          const bytes = row.size_bytes ?? listed?.size_bytes;
          const retained =
            row.retained_bytes === undefined ? listed?.retained_bytes : row.retained_bytes;
          return (
            <tr key={index}>
              <td>
                {row.name !== undefined && (
                  <code class="reference-name">
                    <Name text={row.name || "\u2013"} limit={36} />
                  </code>
                )}{" "}
                {(row.times ?? 1) > 1 && `${row.times} \u00d7 `}
                <ObjectLink state={state} object={row.object} type={row.type} />
                {withPath && listed?.path && !isRoot && (
                  <code class="object-path">
                    <Name text={listed.path} limit={100} />
                  </code>
                )}
              </td>
              <td>{isRoot || bytes === undefined ? "" : size(bytes)}</td>
              <td>{isRoot || retained == null ? "" : size(retained)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

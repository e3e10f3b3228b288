// Reference cycles by the types along them; those of program code are counted, not listed.

import { useState } from "preact/hooks";
import { count, size } from "../text/units";
import { BarCell } from "../widgets/bar_cell";
import { Name } from "../widgets/name";
import { type Sort, VirtualTable } from "../widgets/virtual_table";
import type { CycleRow } from "./heap_data";
import type { HeapViewProps } from "./heap_views";
import { ObjectRows } from "./object_rows";

const FIGURE: Record<string, (row: CycleRow) => number> = {
  count: (row) => row.count,
  garbage: (row) => row.garbage,
  objects: (row) => row.objects,
  finalizers: (row) => row.finalizers,
  bytes: (row) => row.bytes,
};

export function Cycles({ state }: HeapViewProps) {
  const [sort, setSort] = useState<Sort>({ column: "bytes", descending: true });
  const [selected, setSelected] = useState<number | null>(null);
  const { rows: all, left_out, code } = state.data.cycles;
  const figure = FIGURE[sort.column] ?? FIGURE["bytes"]!;
  const rows = all.map((_, index) => index);
  rows.sort((a, b) => (figure(all[a]!) - figure(all[b]!) || b - a) * (sort.descending ? -1 : 1));
  const whole = Math.max(1, ...all.map(({ bytes }) => bytes));
  const number = (id: "count" | "garbage" | "objects" | "finalizers", title: string) => ({
    id,
    title,
    width: "90px",
    numeric: true,
    cell: (row: number) => (all[row]![id] === 0 ? "" : count(all[row]![id])),
  });
  return (
    <div class="heap-types-view">
      <div class="toolbar">
        <span class="muted">
          Left out: {count(code.classes)} classes, each in a cycle with its own __mro__, and{" "}
          {count(code.others)} objects of functions and modules.
          {code.garbage_classes > 0 &&
            ` ${count(code.garbage_classes)} of the classes are garbage.`}
          {left_out > 0 && ` ${count(left_out)} kinds of fewer bytes are not in this report.`}
        </span>
      </div>
      <VirtualTable
        label="Reference cycles"
        columns={[
          {
            id: "types",
            title: "Types along the cycle",
            width: "minmax(0,1fr)",
            sortable: false,
            cell: (row) => (
              <span class="row-name">
                <Name text={all[row]!.types.join(" \u2192 ")} limit={160} />
                <code>
                  <Name text={all[row]!.closing} limit={40} />
                </code>
              </span>
            ),
          },
          number("count", "Cycles"),
          { ...number("garbage", "Garbage"), about: "Cycles that wait for the collector" },
          number("objects", "Objects"),
          { ...number("finalizers", "Finalisers"), about: "Objects in them that have one" },
          {
            id: "bytes",
            title: "Bytes",
            width: "150px",
            numeric: true,
            cell: (row) => (
              <BarCell
                value={all[row]!.bytes}
                whole={whole}
                text={size(all[row]!.bytes)}
                look="self"
              />
            ),
          },
        ]}
        rows={rows}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        empty="There are no reference cycles of instances."
      />
      <OfKind state={state} row={selected === null ? undefined : all[selected]} />
    </div>
  );
}

function OfKind({ state, row }: HeapViewProps & { row: CycleRow | undefined }) {
  if (!row) return <p class="muted heap-below">Select a kind to see one of its cycles.</p>;
  return (
    <div class="heap-below">
      <section aria-label="A cycle of the kind">
        <h2>The largest of them</h2>
        <ol>
          {row.way.map(([, name], index) => (
            <li key={index}>
              <Name text={row.types[index]!} limit={60} />{" "}
              <code>
                <Name text={name} limit={60} />
              </code>
            </li>
          ))}
        </ol>
        {row.finalizer_types.length > 0 && (
          <p>
            With a finaliser: <Name text={row.finalizer_types.join(", ")} limit={200} />
          </p>
        )}
      </section>
      <section aria-label="Objects of the cycle">
        <h2>Its objects</h2>
        <ObjectRows
          state={state}
          label="Objects of the cycle"
          rows={row.way
            .map(([object]) => ({ object }))
            .filter(({ object }) => state.listed(object))}
          withPath
        />
      </section>
    </div>
  );
}

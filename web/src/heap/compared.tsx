// What each type gained and lost from one snapshot to the next.

import { useState } from "preact/hooks";
import { count, signed, size } from "../text/units";
import { BarCell } from "../widgets/bar_cell";
import { Name } from "../widgets/name";
import { type Sort, VirtualTable } from "../widgets/virtual_table";
import type { ComparedRow } from "./heap_data";
import type { HeapViewProps } from "./heap_views";
import { OfType } from "./of_type";

type Key = "count" | "shallow_bytes" | "retained_bytes";
const change = (row: ComparedRow, key: Key) => row[key][1] - row[key][0];

const FIGURE: Record<string, (row: ComparedRow) => number | string> = {
  type: (row) => row.type,
  count: (row) => change(row, "count"),
  new: (row) => row.new ?? -1,
  gone: (row) => row.gone ?? -1,
  shallow_bytes: (row) => change(row, "shallow_bytes"),
  retained_bytes: (row) => change(row, "retained_bytes"),
};

export function Compared({ state }: HeapViewProps) {
  const [sort, setSort] = useState<Sort>({ column: "shallow_bytes", descending: true });
  const comparison = state.data.comparison!;
  const { rows: all } = comparison;
  const rows = all.map((_, index) => index);
  const figure = FIGURE[sort.column] ?? FIGURE["shallow_bytes"]!;
  rows.sort((a, b) => {
    const [x, y] = [figure(all[a]!), figure(all[b]!)];
    return (x < y ? -1 : x > y ? 1 : a - b) * (sort.descending ? -1 : 1);
  });
  const most = Math.max(1, ...all.map((row) => Math.abs(change(row, "shallow_bytes"))));
  const both = (key: Key, show: (value: number) => string) => (row: number) => {
    const delta = change(all[row]!, key);
    return (
      <BarCell
        value={delta}
        whole={key === "shallow_bytes" ? most : 0}
        text={signed(show(delta), delta)}
        look={delta > 0 ? "grown" : "shrunk"}
        withShare={false}
      />
    );
  };
  const selected = all.findIndex(({ type }) => type === state.type.value);
  const bytes = state.data.total_bytes - comparison.base_total_bytes;
  const objects = state.data.objects - comparison.base_objects;
  return (
    <div class="heap-types-view">
      <div class="toolbar">
        <span>
          {signed(count(objects), objects)} objects, {signed(size(bytes), bytes)} from{" "}
          <Name text={comparison.base} limit={60} /> to{" "}
          <Name text={state.data.snapshot} limit={60} />
        </span>
        <span class="muted">
          {comparison.same_process
            ? comparison.identity === "birth"
              ? "An object is the same if it was allocated at the same moment."
              : "An object is the same if address, type and content are."
            : "Two processes: counts and bytes are compared, not which objects are the same."}
          {!!comparison.unproven &&
            ` Up to ${count(comparison.unproven)} of those in both took the place of a twin.`}
        </span>
        {comparison.left_out > 0 && (
          <span class="muted">
            {count(comparison.left_out)} types that changed less are left out.
          </span>
        )}
      </div>
      <VirtualTable
        label="What changed, by type"
        columns={[
          {
            id: "type",
            title: "Type",
            width: "minmax(0,1fr)",
            cell: (row) => <Name text={all[row]!.type} limit={80} />,
          },
          {
            id: "count",
            title: "\u0394 objects",
            width: "100px",
            numeric: true,
            about: "Sort by how many more there are",
            cell: both("count", count),
          },
          ...(comparison.same_process
            ? [
                {
                  id: "new",
                  title: "New",
                  width: "96px",
                  numeric: true,
                  about: "Objects that were not there before",
                  cell: (row: number) => count(all[row]!.new),
                },
                {
                  id: "gone",
                  title: "Gone",
                  width: "96px",
                  numeric: true,
                  about: "Objects that are not there any more",
                  cell: (row: number) => count(all[row]!.gone),
                },
              ]
            : []),
          {
            id: "shallow_bytes",
            title: "\u0394 shallow",
            width: "130px",
            numeric: true,
            cell: both("shallow_bytes", size),
          },
          {
            id: "retained_bytes",
            title: "\u0394 retained",
            width: "120px",
            numeric: true,
            cell: both("retained_bytes", size),
          },
        ]}
        rows={rows}
        sort={sort}
        onSort={setSort}
        selected={selected < 0 ? null : selected}
        onSelect={(row) => {
          state.type.value = all[row]!.type;
        }}
        onOpen={(row) => state.showType(all[row]!.type)}
        empty="Nothing changed."
      />
      <OfType state={state} type={state.type.value} />
    </div>
  );
}

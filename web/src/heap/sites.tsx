// Where what lives was allocated, and what it is now.

import { useState } from "preact/hooks";
import { count, size } from "../text/units";
import { BarCell } from "../widgets/bar_cell";
import { Name } from "../widgets/name";
import { type Sort, VirtualTable } from "../widgets/virtual_table";
import type { SiteRow } from "./heap_data";
import type { HeapViewProps } from "./heap_views";

const FIGURE: Record<string, (row: SiteRow) => number> = {
  count: (row) => row.count,
  bytes: (row) => row.bytes,
  retained: (row) => row.retained_bytes ?? -1,
};

export function Sites({ state }: HeapViewProps) {
  const [sort, setSort] = useState<Sort>({ column: "bytes", descending: true });
  const [selected, setSelected] = useState<number | null>(null);
  const sites = state.data.sites!;
  const figure = FIGURE[sort.column] ?? FIGURE["bytes"]!;
  const rows = sites.rows.map((_, index) => index);
  rows.sort(
    (a, b) => (figure(sites.rows[a]!) - figure(sites.rows[b]!)) * (sort.descending ? -1 : 1),
  );
  return (
    <div class="heap-types-view">
      <div class="toolbar">
        <span class="muted">
          Lines that allocated what lives in the snapshot.
          {sites.left_out > 0 &&
            ` ${count(sites.left_out)} more, ${size(sites.left_out_bytes)}, are left out.`}
        </span>
      </div>
      <VirtualTable
        label="Allocation sites"
        columns={[
          {
            id: "site",
            title: "Allocated at",
            width: "minmax(0,1fr)",
            sortable: false,
            cell: (row) => <Name text={sites.rows[row]!.site} limit={90} />,
          },
          {
            id: "types",
            title: "What it is",
            width: "minmax(0,1fr)",
            sortable: false,
            cell: (row) =>
              sites.rows[row]!.types.map(([type, number], index) => (
                <span key={type}>
                  {index > 0 && ", "}
                  {count(number)} <Name text={type} limit={40} />
                </span>
              )),
          },
          {
            id: "count",
            title: "Objects",
            width: "90px",
            numeric: true,
            cell: (row) => count(sites.rows[row]!.count),
          },
          {
            id: "bytes",
            title: "Shallow",
            width: "150px",
            numeric: true,
            cell: (row) => (
              <BarCell
                value={sites.rows[row]!.bytes}
                whole={state.data.all_bytes}
                text={size(sites.rows[row]!.bytes)}
                look="self"
              />
            ),
          },
          {
            id: "retained",
            title: "Retained",
            width: "100px",
            numeric: true,
            cell: (row) => size(sites.rows[row]!.retained_bytes),
          },
        ]}
        rows={rows}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        empty="No object has a known allocation."
      />
    </div>
  );
}

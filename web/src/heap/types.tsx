// Types with their counts, shallow and retained bytes, and how these changed; below, objects of the chosen one.

import { useState } from "preact/hooks";
import { count, signed, size } from "../text/units";
import { BarCell } from "../widgets/bar_cell";
import { Name } from "../widgets/name";
import { type Column, type Sort, VirtualTable } from "../widgets/virtual_table";
import type { TypeRow } from "./heap_data";
import type { HeapViewProps } from "./heap_views";
import { OfType } from "./of_type";

const FIGURE: Record<string, (row: TypeRow) => number | string> = {
  type: (row) => row.type,
  count: (row) => row.count,
  shallow: (row) => row.shallow_bytes,
  retained: (row) => row.retained_bytes,
  more: (row) => row.count - (row.base?.count ?? 0),
  grown: (row) => row.retained_bytes - (row.base?.retained_bytes ?? 0),
};

export function Types({ state }: HeapViewProps) {
  const { data } = state;
  const [sort, setSort] = useState<Sort>({ column: "retained", descending: true });
  const search = state.search.value;
  const sought = search.trim().toLowerCase();
  const rows = data.types
    .map((_, index) => index)
    .filter((index) => data.types[index]!.type.toLowerCase().includes(sought));
  const figure = FIGURE[sort.column] ?? FIGURE["retained"]!;
  rows.sort((a, b) => {
    const [x, y] = [figure(data.types[a]!), figure(data.types[b]!)];
    return (x < y ? -1 : x > y ? 1 : a - b) * (sort.descending ? -1 : 1);
  });
  const chosen = data.types.findIndex(({ type }) => type === state.type.value);
  const columns: Column[] = [
    {
      id: "type",
      title: "Type",
      width: "minmax(0,1fr)",
      cell: (row) => <Name text={data.types[row]!.type} limit={80} />,
    },
    {
      id: "count",
      title: "Objects",
      width: "100px",
      numeric: true,
      cell: (row) => count(data.types[row]!.count),
    },
    {
      id: "shallow",
      title: "Shallow",
      width: "150px",
      numeric: true,
      about: "Their own bytes, as asked of the allocator",
      cell: (row) => (
        <BarCell
          value={data.types[row]!.shallow_bytes}
          whole={data.all_bytes}
          text={size(data.types[row]!.shallow_bytes)}
          look="self"
        />
      ),
    },
    {
      id: "retained",
      title: "Retained",
      width: "150px",
      numeric: true,
      about: "What would be freed with them; types overlap",
      cell: (row) => (
        <BarCell
          value={data.types[row]!.retained_bytes}
          whole={data.all_bytes}
          text={size(data.types[row]!.retained_bytes)}
        />
      ),
    },
  ];
  if (data.comparison) {
    const delta = (row: number, key: "count" | "retained_bytes") =>
      data.types[row]![key] - (data.types[row]!.base?.[key] ?? 0);
    columns.push(
      {
        id: "more",
        title: "\u0394 objects",
        width: "92px",
        numeric: true,
        cell: (row) => signed(count(delta(row, "count")), delta(row, "count")),
      },
      {
        id: "grown",
        title: "\u0394 retained",
        width: "100px",
        numeric: true,
        cell: (row) => signed(size(delta(row, "retained_bytes")), delta(row, "retained_bytes")),
      },
    );
  }
  const { other_types: other } = data;
  return (
    <div class="heap-types-view">
      <div class="toolbar">
        <label class="heap-search">
          <span class="unseen">Search types</span>
          <input
            type="search"
            placeholder="Search types"
            value={search}
            id="heap-search"
            onInput={(event) => {
              state.search.value = event.currentTarget.value;
            }}
          />
        </label>
        <span class="muted">
          {rows.length === data.types.length
            ? `${count(rows.length)} types`
            : `${count(rows.length)} of ${count(data.types.length)} types`}
          {other.types > 0 &&
            `; ${count(other.types)} more with ${count(other.count)} objects, ${size(other.shallow_bytes)}, are left out`}
          .
        </span>
      </div>
      <VirtualTable
        label="Types"
        columns={columns}
        rows={rows}
        sort={sort}
        onSort={setSort}
        selected={chosen < 0 ? null : chosen}
        onSelect={(row) => {
          state.type.value = data.types[row]!.type;
        }}
        empty={sought ? "No type is called that." : "The snapshot has no objects."}
      />
      <OfType state={state} type={state.type.value} />
    </div>
  );
}

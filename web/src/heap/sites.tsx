// Where what lives was allocated, and what it is now.

import { useState } from "preact/hooks";
import { count, size } from "../text/units";
import { BarCell } from "../widgets/bar_cell";
import { Name } from "../widgets/name";
import { type Sort, VirtualTable } from "../widgets/virtual_table";
import type { SiteRow } from "./heap_data";
import type { HeapViewProps } from "./heap_views";
import { ObjectRows } from "./object_rows";
import { placeOf } from "./places";

const FIGURE: Record<string, (row: SiteRow) => number> = {
  count: (row) => row.count,
  bytes: (row) => row.bytes,
  retained: (row) => row.retained_bytes,
};

function Site({ text }: { text: string }) {
  const place = placeOf(text);
  if (!place) return <span class="muted">not known</span>;
  return (
    <span class="row-name" title={place.full}>
      <Name text={place.function} limit={60} />
      <code>
        <Name text={place.short} limit={60} />
      </code>
    </span>
  );
}

export function Sites({ state }: HeapViewProps) {
  const [sort, setSort] = useState<Sort>({ column: "bytes", descending: true });
  const sites = state.data.sites!;
  const figure = FIGURE[sort.column] ?? FIGURE["bytes"]!;
  const rows = sites.rows.map((_, index) => index);
  rows.sort(
    (a, b) =>
      (figure(sites.rows[a]!) - figure(sites.rows[b]!) || a - b) * (sort.descending ? -1 : 1),
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
            width: "minmax(0,3fr)",
            sortable: false,
            cell: (row) => <Site text={sites.rows[row]!.site} />,
          },
          {
            id: "types",
            title: "What it is",
            width: "minmax(0,2fr)",
            sortable: false,
            cell: (row) =>
              sites.rows[row]!.types.map(([type, number], index) => (
                <span key={index}>
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
            width: "90px",
            numeric: true,
            about: "What would be freed with them; lines overlap",
            cell: (row) => size(sites.rows[row]!.retained_bytes),
          },
        ]}
        rows={rows}
        sort={sort}
        onSort={setSort}
        selected={state.site.value}
        onSelect={(row) => {
          state.site.value = row;
        }}
        empty="No object has a known allocation."
      />
      <OfSite state={state} />
    </div>
  );
}

function OfSite({ state }: HeapViewProps) {
  const row = state.site.value === null ? undefined : state.data.sites?.rows[state.site.value];
  if (!row)
    return <p class="muted heap-below">Select a line to see what became of what it allocated.</p>;
  const listed = row.objects.filter((object) => state.listed(object));
  const place = placeOf(row.site);
  return (
    <div class="heap-below">
      <section aria-label="Types of the line">
        <h2>{place ? <Name text={place.full} limit={90} /> : "Not known"}</h2>
        <table class="held-by" aria-label="Types of the line">
          <tbody>
            {row.types.map(([type, number, bytes], index) => (
              <tr key={index}>
                <td>{count(number)}</td>
                <td>{size(bytes)}</td>
                <td>
                  {state.typeRow(type) ? (
                    <button type="button" class="object-link" onClick={() => state.showType(type)}>
                      <Name text={type} limit={60} />
                    </button>
                  ) : (
                    <Name text={type} limit={60} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section aria-label="Objects of the line">
        <h2>Its objects that retain most</h2>
        {listed.length > 0 ? (
          <ObjectRows
            state={state}
            label="Objects of the line"
            rows={listed.map((object) => ({ object }))}
            withPath
          />
        ) : (
          <p class="muted">None of them is in this report.</p>
        )}
      </section>
    </div>
  );
}

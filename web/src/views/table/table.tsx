// Everything in rows: by function, line, file, module, library, site, domain or thread.

import { useMemo, useState } from "preact/hooks";
import { ownerStyle } from "../../flame/describe_bar";
import { STYLE_NAMES } from "../../flame/palette";
import { orderOf } from "../../profile/order";
import { count } from "../../text/units";
import { BarCell } from "../../widgets/bar_cell";
import { Pick } from "../../widgets/choice";
import { Name } from "../../widgets/name";
import { type Column, type Sort, VirtualTable } from "../../widgets/virtual_table";
import type { ViewProps } from "../registry";
import { isGroup, TABLE_BY, type TableRows, tableRows } from "./table_rows";

const STATUS_OF = (before: number, after: number): string => {
  if (before === 0) return "new";
  if (after === 0) return "gone";
  if (after > before) return "grown";
  return after < before ? "shrunk" : "same";
};

export function Table({ state, follow = true }: ViewProps & { follow?: boolean }) {
  const by = state.tableBy.value;
  const values = state.values.value;
  const rows = useMemo(() => tableRows(state, by), [state, by, values]);
  const [sort, setSort] = useState<Sort>({ column: "self", descending: true });
  const found = state.found.value;
  const columns = useMemo(() => columnsOf(), [rows, state.sourceFiles.value]);
  const order = useMemo(() => ordered(), [rows, sort, found]);
  const selection = state.selection.value;
  const [site, setSite] = useState<number | null>(null);
  const shownTotal = useMemo(() => {
    let sum = 0;
    for (const row of order) sum += rows.self[row]!;
    return sum;
  }, [order, rows]);

  function sizeColumn(id: "self" | "inclusive", title: string, about: string): Column {
    const of = rows[id]!;
    const whole = state.isDiff ? largest(of) : state.totals.value.total;
    return {
      id,
      title,
      width: "minmax(120px, 168px)",
      numeric: true,
      about,
      cell: (row) => {
        const value = of[row]!;
        const look = state.isDiff ? (value > 0 ? "grown" : "shrunk") : id;
        return <BarCell value={value} whole={whole} text={state.format(value)} look={look} />;
      },
    };
  }

  function columnsOf(): Column[] {
    const columns: Column[] = [sizeColumn("self", "Self", "Allocated by the row itself")];
    if (rows.inclusive)
      columns.push(sizeColumn("inclusive", "With callees", "Allocated by it and what it calls"));
    if (state.isDiff && rows.base) columns.push(...comparisonColumns(rows.base));
    else if (rows.count)
      columns.push({
        id: "count",
        title: state.metric.value === "allocated" ? "Allocations" : "Blocks",
        width: "96px",
        numeric: true,
        cell: (row) => count(rows.count![row]!),
      });
    columns.push({
      id: "name",
      title: TABLE_BY.find(({ id }) => id === by)!.label,
      width: "minmax(0,1fr)",
      cell: (row) => <RowName state={state} rows={rows} row={row} withSource={by === "line"} />,
    });
    if (isGroup(by) && !state.isDiff)
      columns.push({
        id: "owner",
        title: "Owner",
        width: "142px",
        cell: (row) => {
          const style = ownerOf(row);
          return (
            <span class="owner">
              <i class={`swatch ${style}`} aria-hidden="true" /> {STYLE_NAMES[style]}
            </span>
          );
        },
      });
    return columns;
  }

  function ownerOf(row: number) {
    const frame = rows.frame(row);
    return frame === 0 ? "none" : ownerStyle(state.names.ownerOfFrame(frame));
  }

  function comparisonColumns(base: Float64Array): Column[] {
    const after = (row: number) => base[row]! + (rows.inclusive ?? rows.self)[row]!;
    const plain = (value: number) => state.format(value).replace(/^\+/, "");
    return [
      { id: "a", title: "A", width: "84px", numeric: true, cell: (row) => plain(base[row]!) },
      { id: "b", title: "B", width: "84px", numeric: true, cell: (row) => plain(after(row)) },
      {
        id: "status",
        title: "Status",
        width: "72px",
        cell: (row) => {
          const status = STATUS_OF(base[row]!, after(row));
          return <span class={`status ${status}`}>{status}</span>;
        },
      },
    ];
  }

  function ordered(): Int32Array {
    const { self, inclusive, base } = rows;
    const after = () => base!.map((value, row) => value + (inclusive ?? self)[row]!);
    const keys: Record<string, () => ArrayLike<number> | ((row: number) => string)> = {
      self: () => (state.isDiff ? self.map(Math.abs) : self),
      inclusive: () => (inclusive ? (state.isDiff ? inclusive.map(Math.abs) : inclusive) : self),
      count: () => rows.count ?? self,
      a: () => base ?? self,
      b: () => (base ? after() : self),
      status: () => (row) =>
        base ? STATUS_OF(base[row]!, base[row]! + (inclusive ?? self)[row]!) : "",
      owner: () => (row) => STYLE_NAMES[ownerOf(row)],
      name: () => rows.name,
    };
    const wanted = (row: number) =>
      (self[row] !== 0 || (inclusive !== null && inclusive[row] !== 0)) &&
      (found === null || matches(row));
    return orderOf(rows.length, wanted, (keys[sort.column] ?? keys["self"]!)(), sort.descending);
  }

  function matches(row: number): boolean {
    if (!isGroup(by) && by !== "site")
      return rows.name(row).toLowerCase().includes(state.search.value.trim().toLowerCase());
    return found![rows.frame(row)] === 1;
  }

  function select(row: number): void {
    if (isGroup(by)) state.selection.value = { kind: by, key: row };
    else {
      setSite(row);
      if (by === "site") state.selectFrame(rows.frame(row));
    }
  }

  function selected(): number | null {
    if (!isGroup(by)) return site;
    if (!selection) return null;
    if (selection.kind === by) return selection.key;
    const frame = state.selectedFrame();
    return frame === null ? null : state.grouping(by).keyOfFrame[frame]!;
  }

  return (
    <div class="table-view">
      <div class="toolbar">
        <Pick
          label="Rows are by"
          options={TABLE_BY}
          value={by}
          onChange={(id) => {
            setSite(null);
            state.tableBy.value = id;
          }}
        />
        <span class="muted">
          {count(order.length)} rows, themselves {state.format(shownTotal)}
          {found === null ? "" : ` of ${state.format(state.totals.value.total)}`}
        </span>
      </div>
      <VirtualTable
        label={`${state.metricInfo().label} by ${by}`}
        columns={columns}
        rows={order}
        sort={sort}
        onSort={setSort}
        selected={selected()}
        onSelect={select}
        follow={follow}
        {...(isGroup(by)
          ? {
              onOpen: () => {
                state.view.value = "sandwich";
              },
            }
          : {})}
        empty={found ? "Nothing matches the search." : "Nothing was allocated."}
      />
    </div>
  );
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

function RowName({
  state,
  rows,
  row,
  withSource,
}: ViewProps & { rows: TableRows; row: number; withSource: boolean }) {
  const place = rows.place(row);
  const source = withSource ? state.sourceLine(rows.frame(row)) : null;
  return (
    <span class="row-name">
      <Name text={rows.name(row)} limit={90} />
      {place && (
        <span class="muted">
          <Name text={place} limit={60} />
        </span>
      )}
      {source && (
        <code>
          <Name text={source} limit={100} />
        </code>
      )}
    </span>
  );
}

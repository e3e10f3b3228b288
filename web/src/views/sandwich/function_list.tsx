// The functions that hold something, to choose one from.

import { useMemo, useState } from "preact/hooks";
import { orderOf } from "../../profile/order";
import { BarCell } from "../../widgets/bar_cell";
import { Name } from "../../widgets/name";
import { type Sort, VirtualTable } from "../../widgets/virtual_table";
import type { ViewProps } from "../registry";

export function FunctionList({ state }: ViewProps) {
  const grouping = state.grouping("function");
  const sums = state.groupTotals("function");
  const found = state.found.value;
  const [sort, setSort] = useState<Sort>({ column: "inclusive", descending: true });
  const name = (key: number) => state.names.group(grouping, key);
  const rows = useMemo(
    () =>
      orderOf(
        grouping.length,
        (key) =>
          (sums.inclusive[key] !== 0 || sums.self[key] !== 0) &&
          grouping.exampleFrame[key] !== 0 &&
          (found === null || found[grouping.exampleFrame[key]!] === 1),
        sort.column === "name" ? name : sort.column === "self" ? sums.self : sums.inclusive,
        sort.descending,
      ),
    [grouping, sums, found, sort],
  );
  const frame = state.selectedFrame();
  const whole = state.totals.value.weight[0]!;
  return (
    <VirtualTable
      label="Functions"
      columns={[
        {
          id: "name",
          title: "Function",
          width: "minmax(96px,1fr)",
          cell: (key) => <Name text={name(key)} limit={60} />,
        },
        {
          id: "inclusive",
          title: "With callees",
          width: "132px",
          numeric: true,
          cell: (key) => (
            <BarCell
              value={sums.inclusive[key]!}
              whole={whole}
              text={state.format(sums.inclusive[key]!)}
            />
          ),
        },
        {
          id: "self",
          title: "Self",
          width: "92px",
          numeric: true,
          cell: (key) => (
            <BarCell
              value={sums.self[key]!}
              whole={whole}
              text={state.format(sums.self[key]!)}
              look="self"
              withShare={false}
            />
          ),
        },
      ]}
      rows={rows}
      sort={sort}
      onSort={setSort}
      selected={frame === null ? null : grouping.keyOfFrame[frame]!}
      onSelect={(key) => {
        state.selection.value = { kind: "function", key };
      }}
      empty={found ? "No function matches the search." : "Nothing was allocated."}
    />
  );
}

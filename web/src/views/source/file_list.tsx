// The files of a capture, to choose one from.

import { useMemo, useState } from "preact/hooks";
import { shortFile } from "../../profile/names";
import type { ReportState } from "../../state/report_state";
import { BarCell } from "../../widgets/bar_cell";
import { Name } from "../../widgets/name";
import { type Sort, VirtualTable } from "../../widgets/virtual_table";
import type { ViewProps } from "../registry";

/** A file with what its lines hold, themselves and with what they call. */
export interface FileSums {
  file: number;
  self: number;
  inclusive: number;
}

/** Files that hold something. */
export function filesOf(state: ReportState): FileSums[] {
  const grouping = state.grouping("file");
  const sums = state.groupTotals("file");
  const { frames } = state.profile;
  return Array.from(grouping.exampleFrame, (frame, key) => ({
    file: frames.file[frame]!,
    self: sums.self[key]!,
    inclusive: sums.inclusive[key]!,
    frame,
  })).filter(({ frame, self, inclusive }) => frame !== 0 && (self !== 0 || inclusive !== 0));
}

/** Where a reader begins: the program's own file with most of its own, else any. Null where there is no code. */
export function heaviestFile(state: ReportState): number | null {
  const files = filesOf(state);
  const own = files.filter(({ file }) => state.names.owner(file) === "program");
  const candidates = own.length > 0 ? own : files;
  candidates.sort(
    (a, b) => Math.abs(b.self) - Math.abs(a.self) || Math.abs(b.inclusive) - Math.abs(a.inclusive),
  );
  return candidates[0]?.file ?? null;
}

export function FileList({
  state,
  file,
  onFile,
}: ViewProps & { file: number | null; onFile(file: number): void }) {
  const [sort, setSort] = useState<Sort>({ column: "self", descending: true });
  const totals = state.totals.value;
  const files = useMemo(() => new Map(filesOf(state).map((each) => [each.file, each])), [totals]);
  const found = state.search.value.trim().toLowerCase();
  const rows = useMemo(() => {
    const sorted = [...files.values()].filter(({ file }) =>
      state.names.file(file).toLowerCase().includes(found),
    );
    if (sort.column === "file")
      sorted.sort((a, b) => (state.names.file(a.file) < state.names.file(b.file) ? -1 : 1));
    else {
      const figure = sort.column === "self" ? "self" : "inclusive";
      sorted.sort((a, b) => a[figure] - b[figure] || a.inclusive - b.inclusive);
    }
    const order = sorted.map((each) => each.file);
    return sort.descending ? order.reverse() : order;
  }, [files, sort, found]);
  const whole = totals.weight[0]!;
  return (
    <section class="source-files" aria-label="Files">
      <VirtualTable
        label="Files"
        columns={[
          {
            id: "self",
            title: "Self",
            width: "132px",
            numeric: true,
            about: "What the file's lines allocated themselves",
            cell: (each) => {
              const { self } = files.get(each)!;
              const look = state.isDiff ? (self > 0 ? "grown" : "shrunk") : "self";
              return <BarCell value={self} whole={whole} text={state.format(self)} look={look} />;
            },
          },
          {
            id: "file",
            title: "File",
            width: "minmax(0,1fr)",
            cell: (each) => <Name text={shortFile(state.names.file(each))} limit={60} />,
          },
        ]}
        rows={rows}
        sort={sort}
        onSort={setSort}
        selected={file}
        onSelect={onFile}
        empty={found ? "No file matches the search." : "No file holds anything."}
      />
    </section>
  );
}

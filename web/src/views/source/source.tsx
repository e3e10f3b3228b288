// The source: each line of a file with the bytes that it allocated, itself and with what it called.

import { useEffect, useMemo, useState } from "preact/hooks";
import type { SourceFile } from "../../payload/sources";
import { type GroupTotals, groupTotals } from "../../profile/grouping";
import { BarCell } from "../../widgets/bar_cell";
import { Name } from "../../widgets/name";
import { type Sort, VirtualTable } from "../../widgets/virtual_table";
import type { ViewProps } from "../registry";
import { FileList, heaviestFile } from "./file_list";
import { heaviestFrame, placesOf, placesOfFile } from "./places";
import "./source.css";
import { SourceText } from "./source_text";

export function Source({ state }: ViewProps) {
  useEffect(() => {
    void state.readSources();
  }, [state]);
  const frame = state.selectedFrame();
  const [chosen, setChosen] = useState<number | null>(null);
  // What is selected elsewhere is looked at here, until another file is chosen.
  useEffect(() => {
    if (frame !== null && frame !== 0) setChosen(state.profile.frames.file[frame]!);
  }, [frame, state]);
  const heaviest = useMemo(() => heaviestFile(state), [state]);
  const file = chosen ?? heaviest;
  return (
    <div class="source-view">
      <FileList state={state} file={file} onFile={setChosen} />
      {file === null ? (
        <p class="empty">No Python code allocated anything.</p>
      ) : (
        <Lines key={file} state={state} file={file} />
      )}
    </div>
  );
}

function Lines({ state, file }: ViewProps & { file: number }) {
  const { profile } = state;
  const totals = state.totals.value;
  const places = placesOf(profile);
  const sums = useMemo(
    () => groupTotals(profile, places.grouping, totals.self, totals.inclusive),
    [profile, places, totals],
  );
  const lines = useMemo(
    () =>
      placesOfFile(places, file, (place) => sums.self[place] !== 0 || sums.inclusive[place] !== 0),
    [places, file, sums],
  );
  const source = state.sourceFiles.value?.get(file) ?? null;
  const [sort, setSort] = useState<Sort>({ column: "line", descending: false });
  const self = (line: number) => sums.self[lines.get(line) ?? -1] ?? 0;
  const inclusive = (line: number) => sums.inclusive[lines.get(line) ?? -1] ?? 0;
  const rows = useMemo(() => {
    const numbers = source && sort.column === "line" ? linesOf(source) : [...lines.keys()];
    const by = sort.column === "self" ? self : sort.column === "inclusive" ? inclusive : null;
    numbers.sort((a, b) => (by ? by(a) - by(b) || b - a : a - b));
    return sort.descending ? numbers.reverse() : numbers;
  }, [source, lines, sums, sort]);

  const frame = state.selectedFrame();
  const { frames } = profile;
  // Where nothing of the file is selected, it is opened at its heaviest line.
  const selected =
    frame !== null && frames.file[frame] === file ? frames.line[frame]! : heaviestLine(lines, sums);
  const whole = Math.abs(totals.weight[0]!);
  const amounts = state.groupTotals("line");
  const look = (value: number, plain: "self" | "inclusive") =>
    state.isDiff ? (value > 0 ? "grown" : "shrunk") : plain;
  return (
    <section class="source-file" aria-label="Source">
      <SourceNote state={state} file={file} isEmbedded={source !== null} />
      <VirtualTable
        label="Lines of source"
        columns={[
          {
            id: "self",
            title: "Self",
            width: "132px",
            numeric: true,
            about: "What the line allocated itself",
            cell: (line) =>
              self(line) !== 0 && (
                <BarCell
                  value={self(line)}
                  whole={whole}
                  text={state.format(self(line))}
                  look={look(self(line), "self")}
                />
              ),
          },
          {
            id: "inclusive",
            title: "With callees",
            width: "132px",
            numeric: true,
            about: "With what the line called, recursion counted once",
            cell: (line) =>
              inclusive(line) !== 0 && (
                <BarCell
                  value={inclusive(line)}
                  whole={whole}
                  text={state.format(inclusive(line))}
                  look={look(inclusive(line), "inclusive")}
                />
              ),
          },
          {
            id: "line",
            title: "Line",
            width: "56px",
            numeric: true,
            cell: (line) => <span class="line-number">{line || "\u2013"}</span>,
          },
          {
            id: "text",
            title: "Source",
            width: "minmax(0,1fr)",
            sortable: false,
            cell: (line) => {
              const text = source?.lines[line - source.first_line];
              if (text) return <SourceText line={text} />;
              const place = lines.get(line);
              return place === undefined ? null : (
                <Name
                  text={state.names.function(places.grouping.exampleFrame[place]!)}
                  limit={80}
                />
              );
            },
          },
        ]}
        rows={rows}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={(line) => {
          const place = lines.get(line);
          if (place === undefined) return;
          const at = heaviestFrame(places, place, (each) => Math.abs(amounts.inclusive[each]!));
          state.selectFrame(at);
        }}
        empty="No line of this file holds anything."
      />
    </section>
  );
}

function linesOf({ first_line, lines }: SourceFile): number[] {
  // What follows the last line end is no line.
  const last = lines.at(-1)?.length === 0 ? lines.length - 1 : lines.length;
  return Array.from({ length: last }, (_, index) => first_line + index);
}

/** The line with most of its own, else with callees; null where none has any. */
export function heaviestLine(
  lines: ReadonlyMap<number, number>,
  { self, inclusive }: GroupTotals,
): number | null {
  let best: number | null = null;
  const more = (a: number, b: number) =>
    Math.abs(self[a]!) - Math.abs(self[b]!) || Math.abs(inclusive[a]!) - Math.abs(inclusive[b]!);
  for (const [line, place] of lines)
    if (best === null || more(place, lines.get(best)!) > 0) best = line;
  return best;
}

/** What must be known of the text: where it is from, that it changed, or why there is none. */
function SourceNote({
  state,
  file,
  isEmbedded,
}: ViewProps & { file: number; isEmbedded: boolean }) {
  const { sources } = state.profile.manifest;
  const changed = sources.changed.includes(file);
  return (
    <div class="source-note">
      <h2>
        <Name text={state.names.file(file)} limit={120} />
      </h2>
      {isEmbedded && changed && (
        <p class="warning">
          The file was written to after the run began: what stands here may not be what ran.
        </p>
      )}
      {!isEmbedded && state.sourceFiles.value && (
        <p class="muted">
          {whyMissing(state.names.file(file), state.names.owner(file), sources.reason)}
        </p>
      )}
    </div>
  );
}

export function whyMissing(file: string, owner: string, reason: string | null): string {
  if (file.startsWith("<"))
    return "This code has no file: only the lines that hold something are shown.";
  if (owner !== "program")
    return "The source is not in the report; of libraries those files are that hold at least 0.1 % of the memory and were found when the report was made.";
  return `The source is not in the report${reason ? ` (${reason})` : ""}.`;
}

// The threads: what each allocated and keeps, how it went over time; and which of them all views are about.

import { useMemo, useState } from "preact/hooks";
import { count, size } from "../../text/units";
import { BarCell } from "../../widgets/bar_cell";
import { Name } from "../../widgets/name";
import { highestOf, Sparkline } from "../../widgets/sparkline";
import { type Sort, VirtualTable } from "../../widgets/virtual_table";
import type { ViewProps } from "../registry";
import { THREAD_FIGURES, type ThreadFigure, threadCurve, threadSums } from "./thread_sums";
import "../../widgets/plain.css";
import "./threads.css";

const TITLES: Record<ThreadFigure, string> = {
  peak_bytes: "At peak",
  live_bytes: "Live at end",
  allocated_bytes: "Allocated",
  allocations: "Allocations",
  temporary_bytes: "Temporary",
};

export function Threads({ state }: ViewProps) {
  const { profile } = state;
  const { threads } = profile.manifest;
  const sums = useMemo(() => threadSums(profile), [profile]);
  const [sort, setSort] = useState<Sort>({ column: "peak_bytes", descending: true });
  const [selected, setSelected] = useState<number | null>(null);
  const rows = useMemo(() => {
    const order = [...threads.keys()];
    if (sort.column === "name") order.sort((a, b) => (threads[a]! < threads[b]! ? -1 : 1));
    else {
      const by = sums[sort.column as ThreadFigure] ?? sums.peak_bytes;
      order.sort((a, b) => Math.abs(by[a]!) - Math.abs(by[b]!) || b - a);
    }
    return sort.descending ? order.reverse() : order;
  }, [threads, sums, sort]);
  // Made when a row is seen: there may be thousands of threads.
  const curves = useMemo(() => new Map<number, Float64Array | null>(), [profile]);
  const curveOf = (thread: number) => {
    let curve = curves.get(thread);
    if (curve === undefined) {
      curve = threadCurve(profile, thread);
      curves.set(thread, curve);
    }
    return curve;
  };
  const wanted = state.threads.value;
  const toggle = (thread: number) => {
    const next = new Set(wanted ?? threads.keys());
    if (!next.delete(thread)) next.add(thread);
    state.threads.value = next.size === threads.length || next.size === 0 ? null : next;
  };
  const only = (thread: number) => {
    state.threads.value = wanted?.size === 1 && wanted.has(thread) ? null : new Set([thread]);
  };
  const format = (figure: ThreadFigure, value: number) => {
    const text = figure === "allocations" ? count(value) : size(value);
    return state.isDiff && value > 0 ? `+${text}` : text;
  };
  const wholes = Object.fromEntries(
    THREAD_FIGURES.map((figure) => [
      figure,
      sums[figure].reduce((sum, value) => sum + Math.abs(value), 0),
    ]),
  ) as Record<ThreadFigure, number>;
  return (
    <div class="threads">
      <div class="toolbar">
        <span>
          {wanted
            ? `All views are about ${count(wanted.size)} of ${count(threads.length)} threads.`
            : `${count(threads.length)} ${threads.length === 1 ? "thread" : "threads"} allocated something.`}
        </span>
        {wanted && (
          <button
            type="button"
            class="plain-button"
            onClick={() => {
              state.threads.value = null;
            }}
          >
            All threads
          </button>
        )}
        <span class="muted">A block belongs to the thread that allocated it.</span>
      </div>
      <VirtualTable
        label="Threads"
        columns={[
          {
            id: "shown",
            title: "Shown",
            width: "60px",
            sortable: false,
            cell: (thread) => (
              <input
                type="checkbox"
                aria-label={`Show ${threads[thread]}`}
                checked={wanted?.has(thread) ?? true}
                onClick={(event) => event.stopPropagation()}
                onChange={() => toggle(thread)}
              />
            ),
          },
          {
            id: "name",
            title: "Thread",
            width: "minmax(120px,1fr)",
            cell: (thread) => <Name text={threads[thread]!} limit={60} />,
          },
          ...THREAD_FIGURES.map((figure) => ({
            id: figure,
            title: TITLES[figure],
            width: "128px",
            numeric: true,
            cell: (thread: number) => (
              <BarCell
                value={sums[figure][thread]!}
                whole={wholes[figure]}
                text={format(figure, sums[figure][thread]!)}
              />
            ),
          })),
          ...(profile.changes
            ? [
                {
                  id: "curve",
                  title: "Live over time",
                  width: "132px",
                  sortable: false,
                  cell: (thread: number) => {
                    const curve = curveOf(thread);
                    return (
                      curve && (
                        <Sparkline
                          values={curve}
                          width={120}
                          label={`${threads[thread]}: at most ${size(highestOf(curve))}`}
                        />
                      )
                    );
                  },
                },
              ]
            : []),
        ]}
        rows={rows}
        sort={sort}
        onSort={setSort}
        selected={selected}
        onSelect={setSelected}
        onOpen={only}
        empty="No thread allocated anything."
      />
    </div>
  );
}

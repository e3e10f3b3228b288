// A table of any number of rows: only those in sight are in the page. Rows are numbers in the order to show;
// cells are made when seen. Keys: arrows, Page Up and Down, Home, End move; Enter opens.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useSize } from "./use_size";

export const TABLE_ROW = 24;
const BEYOND = 8;
/** Browsers do not lay out elements much taller than this. */
const TALLEST = 16_000_000;

export interface Column {
  id: string;
  title: string;
  /** A track of a CSS grid: "90px", "minmax(0,1fr)". */
  width: string;
  numeric?: boolean;
  sortable?: boolean;
  about?: string;
  cell(row: number): ComponentChildren;
}

export interface Sort {
  column: string;
  descending: boolean;
}

export interface VirtualTableProps {
  label: string;
  columns: Column[];
  rows: ArrayLike<number>;
  sort: Sort;
  onSort(sort: Sort): void;
  selected: number | null;
  onSelect(row: number): void;
  onOpen?(row: number): void;
  empty: string;
  /** Whether a row selected elsewhere is scrolled into sight. */
  follow?: boolean;
}

export function VirtualTable(props: VirtualTableProps) {
  const {
    label,
    columns,
    rows,
    sort,
    onSort,
    selected,
    onSelect,
    onOpen,
    empty,
    follow = true,
  } = props;
  const box = useRef<HTMLDivElement>(null);
  const ids = useId(); // a view may have two tables
  const { height } = useSize(box);
  const [scroll, setScroll] = useState(0);
  const template = columns.map(({ width }) => width).join(" ");
  const shownRows = Math.min(rows.length, Math.floor(TALLEST / TABLE_ROW));
  const first = Math.max(0, Math.floor(scroll / TABLE_ROW) - BEYOND);
  const last = Math.min(shownRows, Math.ceil((scroll + height) / TABLE_ROW) + BEYOND);
  const at = selected === null ? -1 : Array.prototype.indexOf.call(rows, selected);

  useEffect(() => {
    const element = box.current;
    const inside = element?.contains(document.activeElement);
    if (!element || at < 0 || !(follow || inside)) return;
    const top = at * TABLE_ROW;
    const room = element.clientHeight - TABLE_ROW;
    const away = Math.max(element.scrollTop - top, top + TABLE_ROW - element.scrollTop - room);
    if (away > room) element.scrollTop = top - room / 2;
    else if (top < element.scrollTop) element.scrollTop = top;
    else if (away > 0) element.scrollTop = top + TABLE_ROW - room;
  }, [at]);

  const press = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / TABLE_ROW) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    };
    const by = steps[event.key];
    if (by !== undefined && shownRows > 0)
      onSelect(rows[Math.min(shownRows - 1, Math.max(0, at + by))]!);
    else if (event.key === "Enter" && selected !== null && onOpen) onOpen(selected);
    else return;
    event.preventDefault();
  };

  return (
    <div class="table" ref={box} onScroll={(event) => setScroll(event.currentTarget.scrollTop)}>
      <div
        role="grid"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        tabIndex={0}
        onKeyDown={press}
        aria-activedescendant={at >= first && at < last ? `${ids}-${selected}` : undefined}
      >
        <div role="row" class="table-head" style={{ gridTemplateColumns: template }}>
          {columns.map(({ id, title, numeric, about, sortable }) => (
            <div
              key={id}
              role="columnheader"
              class={numeric ? "numeric" : ""}
              aria-sort={
                sort.column === id ? (sort.descending ? "descending" : "ascending") : undefined
              }
            >
              {sortable === false ? (
                title
              ) : (
                <button
                  type="button"
                  title={about ?? `Sort by ${title.toLowerCase()}`}
                  onClick={() =>
                    onSort({
                      column: id,
                      descending: sort.column === id ? !sort.descending : numeric === true,
                    })
                  }
                >
                  {title}
                  <span class="arrow" aria-hidden="true">
                    {sort.column === id ? (sort.descending ? "\u25be" : "\u25b4") : ""}
                  </span>
                </button>
              )}
            </div>
          ))}
        </div>
        <div role="rowgroup" class="table-body" style={{ height: `${shownRows * TABLE_ROW}px` }}>
          {Array.from({ length: Math.max(0, last - first) }, (_, i) => {
            const index = first + i;
            const row = rows[index]!;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the grid takes the keys
              <div
                key={row}
                id={`${ids}-${row}`}
                role="row"
                aria-rowindex={index + 2}
                aria-selected={row === selected}
                class={index % 2 ? "odd" : ""}
                style={{ top: `${index * TABLE_ROW}px`, gridTemplateColumns: template }}
                onClick={() => onSelect(row)}
                onDblClick={() => onOpen?.(row)}
              >
                {columns.map(({ id, numeric, cell }) => (
                  <div key={id} role="gridcell" class={numeric ? "numeric" : ""}>
                    {cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
        {rows.length === 0 && <p class="empty">{empty}</p>}
      </div>
    </div>
  );
}

// The treemap: packages, files and functions as areas as large as the bytes.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Legend } from "../../flame/legend";
import { type BarStyle, STYLE_NAMES } from "../../flame/palette";
import { share } from "../../text/units";
import { middle, visible } from "../../text/visible";
import { Name } from "../../widgets/name";
import { useSize } from "../../widgets/use_size";
import type { ViewProps } from "../registry";
import { type Area, areaAt, areasOf } from "./areas";
import { type Direction, neighbour, type Tile, tilesOf } from "./tiles";
import "./treemap.css";

const KEYS: Record<string, Direction> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

export function Treemap({ state }: ViewProps) {
  const [path, setPath] = useState<string[]>([]);
  const totals = state.totals.value;
  const whole = useMemo(
    () =>
      areasOf(
        state.profile,
        state.names,
        state.grouping("function"),
        state.groupTotals("function"),
      ),
    [state, totals],
  );
  const open = areaAt(whole, path);
  const root = open.at(-1)!;
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const tiles = useMemo(() => tilesOf(root, width, height), [root, width, height]);
  const leaves = tiles.findIndex(({ isOpen }) => !isOpen);
  const [focus, setFocus] = useState(-1);
  const focused = focus >= 0 && focus < tiles.length ? focus : leaves;
  useEffect(() => setFocus(-1), [root]);

  const zoom = (names: string[]) => {
    setPath(names);
    box.current?.focus();
  };
  const enter = (tile: Tile) => {
    // From the tile up to what is shown now, by the tiles around it.
    const around = tiles.filter(
      (each) =>
        each.isOpen &&
        each.depth <= tile.depth &&
        each.x <= tile.x &&
        each.y <= tile.y &&
        each.x + each.width >= tile.x + tile.width &&
        each.y + each.height >= tile.y + tile.height,
    );
    const first = around.find(({ depth }) => depth === 1);
    if (first) zoom([...path, first.area.name]);
  };
  const select = ({ area }: Tile) => {
    if (area.kind === "rest" || area.frame === 0) return;
    state.selectFrame(area.frame, area.kind === "function" ? "function" : "file");
  };
  const press = (event: KeyboardEvent) => {
    const direction = KEYS[event.key];
    const tile = tiles[focused];
    if (direction && tile) {
      const next = neighbour(tiles, focused, direction);
      setFocus(next);
      document.getElementById(`tile-${next}`)?.focus();
    } else if (event.key === "Enter" && tile) enter(tile);
    else if (event.key === " " && tile) select(tile);
    else if ((event.key === "Escape" || event.key === "Backspace") && path.length > 0)
      zoom(path.slice(0, -1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="treemap-view">
      <div class="toolbar">
        <nav class="path" aria-label="Shown part">
          {open.map((area, depth) => (
            <button
              key={area.name}
              type="button"
              aria-current={depth === open.length - 1 ? "location" : undefined}
              onClick={() => zoom(path.slice(0, depth))}
            >
              <Name text={area.name} limit={60} /> {state.format(area.value)}
            </button>
          ))}
        </nav>
        <span class="muted">
          As large as what code allocated itself. Double click or Enter opens, Escape closes.
        </span>
        <Legend state={state} />
      </div>
      <div
        class="treemap"
        ref={box}
        role="list"
        aria-label="Treemap"
        tabIndex={-1}
        onKeyDown={press}
      >
        {tiles.map((tile, index) => (
          <TileBox
            key={`${tile.depth} ${tile.area.kind} ${tile.area.name} ${tile.x} ${tile.y}`}
            state={state}
            tile={tile}
            id={`tile-${index}`}
            isFocus={index === focused}
            whole={whole}
            onSelect={() => {
              setFocus(index);
              select(tile);
            }}
            onOpen={() => enter(tile)}
          />
        ))}
        {tiles.length === 0 && <p class="empty">Nothing was allocated.</p>}
      </div>
    </div>
  );
}

interface TileBoxProps extends ViewProps {
  tile: Tile;
  id: string;
  isFocus: boolean;
  whole: Area;
  onSelect(): void;
  onOpen(): void;
}

function TileBox({ state, tile, id, isFocus, whole, onSelect, onOpen }: TileBoxProps) {
  const { area, x, y, width, height, isOpen } = tile;
  const look = state.isDiff
    ? area.value > 0
      ? "grown"
      : area.value < 0
        ? "shrunk"
        : "same"
    : area.kind === "rest"
      ? "merged"
      : area.frame === 0
        ? "none"
        : state.names.ownerOfFrame(area.frame);
  const figure = state.format(area.value);
  const more = [share(area.value, whole.value), STYLE_NAMES[look as BarStyle].toLowerCase()].join(
    ", ",
  );
  const isSelected = area.kind === "function" && area.frame !== 0 && state.isSelected(area.frame);
  const style = { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
  const shows = width > 34 && height > 15;
  return (
    <div role="listitem" class={isOpen ? "tile open" : "tile"} style={style}>
      <button
        type="button"
        id={id}
        class={`${look}${isSelected ? " selected" : ""}`}
        title={`${visible(middle(nameOf(area), 120))}: ${figure}, ${more}`}
        aria-pressed={isSelected}
        tabIndex={isFocus ? 0 : -1}
        onClick={onSelect}
        onDblClick={onOpen}
      >
        {/* What has no room is there for those who do not look. */}
        <span class={shows ? "tile-name" : "unseen"}>
          <Name text={nameOf(area)} limit={60} />{" "}
        </span>
        <span class={shows && (isOpen ? width > 110 : height > 30) ? "tile-figure" : "unseen"}>
          {figure}
        </span>
        <span class="unseen">, {more}</span>
      </button>
    </div>
  );
}

function nameOf({ kind, name }: Area): string {
  return kind === "file" ? name.slice(name.lastIndexOf("/") + 1) || name : name;
}

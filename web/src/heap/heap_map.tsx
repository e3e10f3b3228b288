// The dominator tree as areas as large as the retained bytes.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { share, size } from "../text/units";
import { middle, visible } from "../text/visible";
import { type Direction, neighbour, type Tile, tilesOf } from "../views/treemap/tiles";
import "../views/treemap/treemap.css";
import { Name } from "../widgets/name";
import { useSize } from "../widgets/use_size";
import { areaOfBranch } from "./areas_of_heap";
import type { HeapViewProps } from "./heap_views";

const KEYS: Record<string, Direction> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

const FIGURE_CHARACTER = 7; // px, of 12 px text

export function HeapMap({ state }: HeapViewProps) {
  const shown = state.part.value;
  const setShown = (part: number) => {
    state.part.value = part;
  };
  const root = useMemo(() => areaOfBranch(state, shown), [state, shown]);
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const tiles = useMemo(() => tilesOf(root, width, height), [root, width, height]);
  const [focus, setFocus] = useState(0);
  useEffect(() => setFocus(0), [root]);
  const path = state.pathToBranch(shown);
  const enter = ({ area }: Tile) => {
    if (area.frame !== 0 && state.children[area.frame]!.length > 0) setShown(area.frame);
    box.current?.focus();
  };
  const select = ({ area }: Tile) => {
    if (area.frame !== 0) state.show(state.data.branches[area.frame]![0]);
  };
  const press = (event: KeyboardEvent) => {
    const direction = KEYS[event.key];
    const tile = tiles[focus];
    if (direction && tile) {
      const next = neighbour(tiles, focus, direction);
      setFocus(next);
      document.getElementById(`heap-tile-${next}`)?.focus();
    } else if (event.key === "Enter" && tile) enter(tile);
    else if (event.key === " " && tile) select(tile);
    else if ((event.key === "Escape" || event.key === "Backspace") && shown !== 0)
      setShown(state.data.branches[shown]![1]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="treemap-view">
      <div class="toolbar">
        <nav class="path" aria-label="Shown part">
          {path.map((index) => (
            <button
              key={index}
              type="button"
              aria-current={index === shown ? "location" : undefined}
              onClick={() => setShown(index)}
            >
              <Name text={state.nameAndStep(index)} limit={40} />{" "}
              {size(state.data.branches[index]![2])}
            </button>
          ))}
        </nav>
        <span class="muted">
          Blue: one object. Grey: many, by module or type. Double click or Enter opens, Escape
          closes.
        </span>
      </div>
      <div
        class="treemap"
        ref={box}
        role="list"
        aria-label="Treemap"
        tabIndex={-1}
        onKeyDown={press}
      >
        {tiles.map((tile, index) => {
          const { area, x, y, width: wide, height: high, isOpen } = tile;
          const roomy = wide > 34 && high > 15;
          const figure = size(area.value);
          const fits = wide > figure.length * FIGURE_CHARACTER + 8;
          const object = state.data.branches[area.frame]?.[0];
          const isSelected = area.frame !== 0 && object === state.object.value;
          const isGroup = !!state.data.branches[area.frame]?.[8];
          const isMany = isGroup || (area.kind === "rest" && area.count > 1);
          const look = isMany ? "none" : area.kind === "rest" ? "merged" : "library";
          return (
            <div
              key={`${area.frame} ${area.name} ${x} ${y}`}
              role="listitem"
              class={isOpen ? "tile open" : "tile"}
              style={{ left: `${x}px`, top: `${y}px`, width: `${wide}px`, height: `${high}px` }}
            >
              <button
                type="button"
                id={`heap-tile-${index}`}
                class={`${look}${isSelected ? " selected" : ""}`}
                title={`${visible(middle(area.name, 120))}: ${size(area.value)}, ${share(area.value, state.data.all_bytes)}`}
                aria-pressed={isSelected}
                tabIndex={index === focus ? 0 : -1}
                onClick={() => {
                  setFocus(index);
                  select(tile);
                }}
                onDblClick={() => enter(tile)}
              >
                <span class={roomy ? "tile-name" : "unseen"}>
                  <Name text={area.name} limit={60} />{" "}
                </span>
                <span
                  class={
                    roomy && (isOpen ? wide > 130 : fits && high > 32) ? "tile-figure" : "unseen"
                  }
                >
                  {figure}
                </span>
              </button>
            </div>
          );
        })}
        {tiles.length === 0 && <p class="empty">The heap is empty.</p>}
      </div>
    </div>
  );
}

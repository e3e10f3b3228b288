// An icicle or flame of a call tree on a canvas: pointer, wheel and keys; used by the flame and the sandwich.
//
// Keys: arrows walk, Enter zooms, Backspace or Escape goes back out, Home shows everything.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { CallTree } from "../profile/call_tree";
import type { ReportState } from "../state/report_state";
import { middle, visible } from "../text/visible";
import { Tooltip } from "../widgets/tooltip";
import { useSize } from "../widgets/use_size";
import { useThemeVersion } from "../widgets/use_theme_version";
import { describeBar, figureOfBar, frameStyle, labelOfBar } from "./describe_bar";
import { draw, ROW } from "./draw";
import { Labels } from "./labels";
import { type Bars, barAt, type Focus, layOut } from "./layout";
import { type BarStyle, paletteOf } from "./palette";

export interface FlameCanvasProps {
  state: ReportState;
  tree: CallTree;
  label: string;
  /** Whether the root lies at the bottom. */
  upward?: boolean;
  /** Whether it is only as tall as its rows. */
  snug?: boolean;
  focus: Focus;
  onFocus(focus: Focus): void;
}

/** What a pointer or the keys are at: a node, or the children of it from one on. */
interface Cursor {
  node: number;
  from: number;
  x: number;
  y: number;
  byPointer: boolean;
}

const find = (bars: Bars, cursor: { node: number; from: number } | null): number => {
  if (!cursor) return -1;
  for (let bar = 0; bar < bars.length; bar++)
    if (bars.node[bar] === cursor.node && bars.mergedFrom[bar] === cursor.from) return bar;
  return -1;
};

export function FlameCanvas({
  state,
  tree,
  label,
  upward,
  snug,
  focus,
  onFocus,
}: FlameCanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = useSize(box);
  const [scroll, setScroll] = useState(0);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const themeVersion = useThemeVersion(state);
  const ratio = window.devicePixelRatio || 1;
  const bars = useMemo(() => (width > 0 ? layOut(tree, focus, width) : null), [tree, focus, width]);
  const palette = useMemo(
    () => (box.current ? paletteOf(box.current, ratio) : null),
    [themeVersion, ratio, width > 0],
  );
  const labels = useRef<Labels | null>(null);
  const rows = bars?.rows ?? 0;
  const tall = Math.max(rows * ROW, height);
  const rowOf = (depth: number) =>
    upward ? Math.max(rows, Math.floor(height / ROW)) - 1 - depth : depth;
  const found = state.found.value;
  const selection = state.selection.value;
  const at = bars ? find(bars, cursor) : -1;

  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = upward ? box.current.scrollHeight : 0;
  }, [upward, tree]);

  useLayoutEffect(() => {
    const target = canvas.current;
    if (!target || !bars || !palette || width === 0) return;
    const pixels = [Math.round(width * ratio), Math.round(height * ratio)] as const;
    if (target.width !== pixels[0] || target.height !== pixels[1])
      [target.width, target.height] = pixels;
    const context = target.getContext("2d")!;
    labels.current ??= new Labels(context);
    context.font = labels.current.font;
    draw(context, {
      tree,
      bars,
      palette,
      labels: labels.current,
      width,
      height,
      ratio,
      scroll,
      rowOf,
      styleOf: (bar): BarStyle =>
        bars.mergedFrom[bar]! >= 0 ? "merged" : frameStyle(state, tree, bars.node[bar]!),
      labelOf: (bar) => labelOfBar(state, tree, bars, bar),
      figureOf: (bar) => figureOfBar(state, tree, bars, bar),
      isFaint: (bar) =>
        found !== null && (bars.mergedFrom[bar]! >= 0 || found[tree.frame(bars.node[bar]!)] !== 1),
      isSelected: (bar) =>
        selection !== null &&
        bars.mergedFrom[bar]! < 0 &&
        state.isSelected(tree.frame(bars.node[bar]!)),
      cursor: at,
    });
    if (!firstDrawn) {
      firstDrawn = true;
      performance.mark("heapscope:first-flame");
    }
  });

  useEffect(() => {
    const element = box.current;
    if (!element || at < 0 || cursor?.byPointer || !bars) return;
    const top = rowOf(bars.depth[at]!) * ROW;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW > element.scrollTop + height) element.scrollTop = top + ROW - height;
  });

  const point = (event: MouseEvent): Cursor | null => {
    const area = canvas.current!.getBoundingClientRect();
    const x = event.clientX - area.left;
    const row = Math.floor((event.clientY - area.top + scroll) / ROW);
    const depth = rowOf(row); // its own inverse
    const bar = bars ? barAt(bars, x, depth) : -1;
    if (!bars || bar < 0) return null;
    return {
      node: bars.node[bar]!,
      from: bars.mergedFrom[bar]!,
      x: event.clientX,
      y: event.clientY,
      byPointer: true,
    };
  };

  const choose = ({ node, from }: { node: number; from: number }) => {
    if (from < 0 && tree.frame(node) !== 0) state.selectFrame(tree.frame(node), tree.by);
  };

  const zoom = ({ node, from }: { node: number; from: number }) => onFocus({ node, from });

  const out = () => {
    if (focus.from >= 0) onFocus({ node: focus.node, from: -1 });
    else if (focus.node !== tree.root) onFocus({ node: tree.parent(focus.node), from: -1 });
  };

  const walk = (key: string): Focus | null => {
    const here = cursor ?? { node: focus.node, from: -1 };
    const to = (node: number | undefined): Focus | null =>
      node === undefined ? null : { node, from: -1 };
    if (key === (upward ? "ArrowDown" : "ArrowUp"))
      return here.from >= 0 ? to(here.node) : to(tree.parent(here.node));
    if (key === (upward ? "ArrowUp" : "ArrowDown"))
      return here.from >= 0 ? null : seen(here.node, 0);
    const parent = here.from >= 0 ? here.node : tree.parent(here.node);
    if (here.from < 0 && here.node === tree.root) return null;
    const siblings = tree.children(parent);
    const index = here.from >= 0 ? here.from : siblings.indexOf(here.node);
    return seen(parent, index + (key === "ArrowRight" ? 1 : -1));
  };

  /** The child, or the merged bar that it is part of. */
  const seen = (parent: number, index: number): Focus | null => {
    const child = tree.children(parent)[index];
    if (child === undefined || !bars) return null;
    if (find(bars, { node: child, from: -1 }) >= 0) return { node: child, from: -1 };
    for (let bar = 0; bar < bars.length; bar++)
      if (bars.node[bar] === parent && bars.mergedFrom[bar]! >= 0)
        return { node: parent, from: bars.mergedFrom[bar]! };
    return null;
  };

  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.startsWith("Arrow")) {
      const next = walk(event.key);
      if (next) {
        setCursor({ ...next, x: 0, y: 0, byPointer: false });
        choose(next);
      }
    } else if (event.key === "Enter" && cursor) zoom(cursor);
    else if (event.key === "Backspace" || (event.key === "Escape" && !atRoot(tree, focus))) out();
    else if (event.key === "Home") onFocus({ node: tree.root, from: -1 });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const described = bars && at >= 0 ? describeBar(state, tree, bars, at) : null;
  return (
    <div
      class={snug ? "flame snug" : "flame"}
      ref={box}
      tabIndex={0}
      role="group"
      aria-label={label}
      style={snug ? { height: `${rows * ROW + 4}px` } : undefined}
      onKeyDown={press}
      onScroll={(event) => setScroll((event.currentTarget as HTMLElement).scrollTop)}
    >
      <div class="flame-space" style={{ height: `${tall}px` }}>
        <canvas
          ref={canvas}
          style={{ width: `${width}px`, height: `${height}px` }}
          onMouseMove={(event) => setCursor(point(event))}
          onMouseLeave={() => setCursor(null)}
          onClick={(event) => {
            const hit = point(event);
            if (hit) {
              choose(hit);
              if (hit.from >= 0) zoom(hit);
            }
          }}
          onDblClick={(event) => {
            const hit = point(event);
            if (hit && hit.from < 0) zoom(hit);
          }}
        />
      </div>
      <p class="unseen" aria-live="polite">
        {described && !cursor?.byPointer ? middle(visible(described.spoken), 300) : ""}
      </p>
      {described && cursor?.byPointer && (
        <Tooltip x={cursor.x} y={cursor.y}>
          {described.shown}
        </Tooltip>
      )}
    </div>
  );
}

const atRoot = (tree: CallTree, focus: Focus) => focus.from < 0 && focus.node === tree.root;
let firstDrawn = false;

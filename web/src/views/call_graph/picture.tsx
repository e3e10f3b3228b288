// The call graph as a picture: boxes and arrows as wide as the bytes, moved and zoomed by pointer and keys.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ReportState } from "../../state/report_state";
import { share } from "../../text/units";
import { middle, visible } from "../../text/visible";
import type { Graph, GraphNode } from "./graph";
import { curve, type Laid, NODE_HEIGHT, NODE_WIDTH } from "./layout";

interface Frame {
  x: number;
  y: number;
  width: number;
  height: number;
}

const LEAST_ZOOM = 0.02;
/** Pixels for each unit of the layout below which names cannot be read. */
const READABLE = 0.8;

export interface PictureProps {
  state: ReportState;
  graph: Graph;
  laid: Laid;
  onElement(svg: SVGSVGElement | null): void;
}

export function Picture({ state, graph, laid, onElement }: PictureProps) {
  const svg = useRef<SVGSVGElement>(null);
  const all = { x: 0, y: 0, width: Math.max(laid.width, 1), height: Math.max(laid.height, 1) };
  const [frame, setFrame] = useState<Frame>(all);
  const drag = useRef<{ x: number; y: number; frame: Frame } | null>(null);
  useEffect(() => {
    setFrame(beginning(svg.current!, graph, laid));
    onElement(svg.current);
  }, [laid]);

  const zoom = (by: number, at = { x: 0.5, y: 0.5 }) =>
    setFrame(({ x, y, width, height }) => {
      const factor = Math.min(2, Math.max(LEAST_ZOOM, (width * by) / all.width)) * all.width;
      const changed = factor / width;
      return {
        x: x + width * at.x * (1 - changed),
        y: y + height * at.y * (1 - changed),
        width: width * changed,
        height: height * changed,
      };
    });
  const move = (x: number, y: number) =>
    setFrame((before) => ({
      ...before,
      x: before.x + x * before.width,
      y: before.y + y * before.height,
    }));
  const press = (event: KeyboardEvent) => {
    const keys: Record<string, () => void> = {
      "+": () => zoom(0.8),
      "=": () => zoom(0.8),
      "-": () => zoom(1.25),
      "0": () => setFrame(all),
      ArrowLeft: () => move(-0.1, 0),
      ArrowRight: () => move(0.1, 0),
      ArrowUp: () => move(0, -0.1),
      ArrowDown: () => move(0, 0.1),
    };
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  };
  // Listened to by hand: a wheel that zooms must not scroll the page as well.
  useEffect(() => {
    const element = svg.current!;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== element) return;
      event.preventDefault();
      const box = element.getBoundingClientRect();
      zoom(event.deltaY > 0 ? 1.15 : 0.87, {
        x: (event.clientX - box.left) / box.width,
        y: (event.clientY - box.top) / box.height,
      });
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, [laid]);

  const whole = Math.abs(state.totals.value.weight[0]!);
  const widthOf = (value: number) => 0.8 + 7 * Math.sqrt(Math.abs(value) / whole);
  return (
    <div class="call-graph-picture">
      <div class="call-graph-zoom" role="group" aria-label="Zoom">
        <button type="button" class="plain-button" aria-label="Zoom in" onClick={() => zoom(0.8)}>
          +
        </button>
        <button type="button" class="plain-button" aria-label="Zoom out" onClick={() => zoom(1.25)}>
          {"\u2212"}
        </button>
        <button type="button" class="plain-button" onClick={() => setFrame(all)}>
          All
        </button>
      </div>
      <svg
        ref={svg}
        role="group"
        aria-label={`Call graph of ${graph.nodes.length} functions; arrow keys move it, plus and minus zoom`}
        tabindex={0}
        viewBox={`${frame.x} ${frame.y} ${frame.width} ${frame.height}`}
        onKeyDown={press}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          drag.current = { x: event.clientX, y: event.clientY, frame };
        }}
        onPointerMove={(event) => {
          const from = drag.current;
          if (!from || !(event.buttons & 1)) return;
          const scale = from.frame.width / event.currentTarget.getBoundingClientRect().width;
          setFrame({
            ...from.frame,
            x: from.frame.x - (event.clientX - from.x) * scale,
            y: from.frame.y - (event.clientY - from.y) * scale,
          });
        }}
        onPointerUp={() => {
          drag.current = null;
        }}
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0L8 4L0 8z" class="call-graph-arrow" />
          </marker>
        </defs>
        <g class="call-graph-edges">
          {graph.edges.map(({ from, to, value }, index) => (
            <path
              key={`${from} ${to}`}
              d={curve(laid.edges[index]!)}
              style={{ strokeWidth: widthOf(value) }}
              class={value < 0 ? "shrunk" : ""}
              marker-end="url(#arrow)"
            >
              <title>{`${state.names.function(graph.nodes[from]!.frame)} calls ${state.names.function(graph.nodes[to]!.frame)}: ${state.format(value)}`}</title>
            </path>
          ))}
        </g>
        {graph.nodes.map((node, index) => (
          <Box
            key={node.key}
            state={state}
            node={node}
            x={laid.nodes[index]!.x - NODE_WIDTH / 2}
            y={laid.nodes[index]!.y - NODE_HEIGHT / 2}
          />
        ))}
      </svg>
    </div>
  );
}

/** All of it where its names can be read then; else what is around the heaviest function. */
function beginning(svg: SVGSVGElement, graph: Graph, { width, height, nodes }: Laid): Frame {
  const box = svg.getBoundingClientRect();
  if (Math.min(box.width / width, box.height / height) >= READABLE)
    return { x: 0, y: 0, width, height };
  const shown = { width: box.width / READABLE, height: box.height / READABLE };
  const middle = graph.nodes.length > 0 ? nodes[0]! : { x: 0, y: 0 };
  const within = (at: number, room: number, whole: number) =>
    room >= whole ? (whole - room) / 2 : Math.min(Math.max(0, at), whole - room);
  return {
    x: within(middle.x - shown.width / 2, shown.width, width),
    y: within(middle.y - NODE_HEIGHT, shown.height, height),
    ...shown,
  };
}

function Box({ state, node, x, y }: { state: ReportState; node: GraphNode; x: number; y: number }) {
  const { frame, self, inclusive } = node;
  const { total } = state.totals.value;
  const name = visible(middle(state.names.function(frame), 400));
  const place = visible(middle(state.names.place(frame), 400));
  const figures = `${state.format(inclusive)} (${share(inclusive, total)})`;
  const look = state.isDiff
    ? inclusive > 0
      ? "grown"
      : inclusive < 0
        ? "shrunk"
        : "same"
    : state.names.ownerOfFrame(frame);
  const isSelected = state.isSelected(frame);
  const select = () => state.selectFrame(frame, "function");
  return (
    <g
      role="button"
      tabindex={0}
      aria-pressed={isSelected}
      class={`call-graph-node ${look}${isSelected ? " selected" : ""}`}
      transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`}
      onClick={select}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        select();
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <title>{`${name}\n${place}\n${figures}\nitself ${state.format(self)} (${share(self, total)})${node.isRecursive ? "\ncalls itself" : ""}`}</title>
      <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx="3" />
      <text x="8" y="14" class="call-graph-name">
        {middle(name, 28)}
        {node.isRecursive ? " \u21ba" : ""}
      </text>
      <text x="8" y="27" class="call-graph-place">
        {middle(place, 34)}
      </text>
      <text x="8" y="40">
        {figures}
        {self !== 0 && `, self ${state.format(self)}`}
      </text>
    </g>
  );
}

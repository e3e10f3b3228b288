// Where the nodes of a call graph lie, callers above callees, and the lines between them.

import { Graph as Dagre, layout } from "@dagrejs/dagre";
import type { Graph } from "./graph";

export const NODE_WIDTH = 224;
export const NODE_HEIGHT = 46;

export interface Point {
  x: number;
  y: number;
}

export interface Laid {
  width: number;
  height: number;
  /** Middles of the nodes. */
  nodes: Point[];
  /** From the caller's edge to the callee's. */
  edges: Point[][];
}

/** 0.2 s for 100 nodes. */
export function layOut({ nodes, edges }: Graph): Laid {
  const graph = new Dagre();
  graph.setGraph({ rankdir: "TB", nodesep: 14, ranksep: 34, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const index of nodes.keys())
    graph.setNode(String(index), { width: NODE_WIDTH, height: NODE_HEIGHT });
  const heaviest = Math.max(1, ...edges.map(({ value }) => Math.abs(value)));
  for (const { from, to, value } of edges)
    graph.setEdge(String(from), String(to), {
      weight: 1 + Math.round((9 * Math.abs(value)) / heaviest),
    });
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: size.width ?? 0,
    height: size.height ?? 0,
    nodes: nodes.map((_, index) => {
      const { x, y } = graph.node(String(index)) as Point;
      return { x, y };
    }),
    edges: edges.map(({ from, to }) =>
      ((graph.edge(String(from), String(to)) as { points?: Point[] }).points ?? []).map(
        ({ x, y }) => ({ x, y }),
      ),
    ),
  };
}

/** A smooth line through points. */
export function curve(points: readonly Point[]): string {
  if (points.length < 2) return "";
  const at = ({ x, y }: Point) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  let path = `M${at(points[0]!)}`;
  for (let i = 1; i < points.length - 1; i++) {
    const here = points[i]!;
    const next = points[i + 1]!;
    const end =
      i === points.length - 2 ? next : { x: (here.x + next.x) / 2, y: (here.y + next.y) / 2 };
    path += `Q${at(here)} ${at(end)}`;
  }
  return points.length === 2 ? `${path}L${at(points[1]!)}` : path;
}

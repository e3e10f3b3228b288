// The call graph: which function called which, by bytes.

import { useEffect, useMemo, useState } from "preact/hooks";
import { Legend } from "../../flame/legend";
import { count, share } from "../../text/units";
import { visible } from "../../text/visible";
import { Pick } from "../../widgets/choice";
import { Name } from "../../widgets/name";
import type { ViewProps } from "../registry";
import { dotOf } from "./dot";
import { type Graph, graphOf } from "./graph";
import { type Laid, layOut } from "./layout";
import { Picture } from "./picture";
import { offerDownload, svgText } from "./save";
import "../../widgets/plain.css";
import "./call_graph.css";

const SIZES = ["25", "50", "100", "200"] as const;
/** gprof2dot's own, so that the two pictures agree. */
const LEAST_NODE = 0.005;
const LEAST_EDGE = 0.001;

export function CallGraph({ state }: ViewProps) {
  const [most, setMost] = useState("50");
  const totals = state.totals.value;
  const graph = useMemo(
    () =>
      graphOf(
        state.profile,
        state.grouping("function"),
        state.groupTotals("function"),
        totals.inclusive,
        Math.abs(totals.weight[0]!),
        { node: LEAST_NODE, edge: LEAST_EDGE, most: Number(most) },
      ),
    [state, totals, most],
  );
  // Laid out after the page was painted: it takes a while.
  const [laid, setLaid] = useState<{ of: Graph; laid: Laid } | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setLaid({ of: graph, laid: layOut(graph) }), 0);
    return () => clearTimeout(timer);
  }, [graph]);
  const [element, setElement] = useState<SVGSVGElement | null>(null);
  const { title } = state.profile.manifest;
  const name = title.replace(/[^\w.-]+/g, "_") || "heapscope";
  const dot = () =>
    dotOf(graph, `${title}: ${state.metricInfo().label}`, {
      name: (frame) => visible(state.names.function(frame)),
      place: (frame) => visible(state.names.place(frame)),
      figure: (value) => state.format(value),
      share: (value) => share(value, totals.total),
    });
  return (
    <div class="call-graph">
      <div class="toolbar">
        <Pick
          label="Functions at most"
          options={SIZES.map((id) => ({ id, label: id }))}
          value={most}
          onChange={setMost}
        />
        <span class="muted">{sayLeftOut(graph, totals.total, state.format.bind(state))}</span>
        <Legend state={state} />
        <span class="call-graph-save">
          <button
            type="button"
            class="plain-button"
            disabled={!element || laid?.of !== graph}
            onClick={() =>
              element &&
              laid &&
              offerDownload(`${name}.svg`, "image/svg+xml", svgText(element, laid.laid))
            }
          >
            Save SVG
          </button>
          <button
            type="button"
            class="plain-button"
            onClick={() => offerDownload(`${name}.dot`, "text/vnd.graphviz", dot())}
          >
            Save DOT
          </button>
        </span>
      </div>
      {graph.nodes.length === 0 ? (
        <p class="empty">No function holds enough to be shown.</p>
      ) : laid?.of === graph ? (
        <Picture state={state} graph={graph} laid={laid.laid} onElement={setElement} />
      ) : (
        <p class="empty" role="status">
          Laying out {graph.nodes.length} functions{"\u2026"}
        </p>
      )}
      <details>
        <summary>Calls as a table</summary>
        <Calls state={state} graph={graph} />
      </details>
    </div>
  );
}

/** What the picture leaves out, in a sentence: nothing is left out silently. */
export function sayLeftOut(
  { left, nodes }: Graph,
  total: number,
  format: (value: number) => string,
): string {
  const functions =
    left.nodes === 0
      ? `All ${count(nodes.length)} functions are shown`
      : `${count(nodes.length)} of ${count(nodes.length + left.nodes)} functions are shown; those left out hold at most ${format(left.largest)} (${share(left.largest, total)}) each, with their callees`;
  return left.edges === 0
    ? `${functions}.`
    : `${functions}. ${left.edges === 1 ? "1 call below 0.1 % is" : `${count(left.edges)} calls below 0.1 % are`} not drawn.`;
}

function Calls({ state, graph }: ViewProps & { graph: Graph }) {
  return (
    <table class="plain-table">
      <thead>
        <tr>
          <th scope="col">Caller</th>
          <th scope="col">Callee</th>
          <th scope="col" class="numeric">
            Allocated below
          </th>
        </tr>
      </thead>
      <tbody>
        {graph.edges.map(({ from, to, value }) => (
          <tr key={`${from} ${to}`}>
            <td>
              <Name text={state.names.frame(graph.nodes[from]!.frame)} limit={60} />
            </td>
            <td>
              <Name text={state.names.frame(graph.nodes[to]!.frame)} limit={60} />
            </td>
            <td class="numeric">{state.format(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

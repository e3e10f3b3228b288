// What a bar says: on itself, in its tooltip, and to a screen reader.

import type { ComponentChildren } from "preact";
import type { CallTree } from "../profile/call_tree";
import type { ReportState } from "../state/report_state";
import { count, share } from "../text/units";
import { Name } from "../widgets/name";
import { type Bars, framesFrom, valueFrom, weightFrom } from "./layout";
import { type BarStyle, OWNER_STYLES, STYLE_NAMES } from "./palette";

export function frameStyle(state: ReportState, tree: CallTree, node: number): BarStyle {
  if (state.isDiff) {
    const value = tree.value(node);
    if (value === 0) return "same";
    return value > 0 ? "grown" : "shrunk";
  }
  const frame = tree.frame(node);
  return frame === 0 ? "none" : ownerStyle(state.names.ownerOfFrame(frame));
}

export function ownerStyle(owner: string): BarStyle {
  return OWNER_STYLES.find((style) => style === owner) ?? "none";
}

export function labelOfBar(
  state: ReportState,
  tree: CallTree,
  bars: Bars,
  bar: number,
): [name: string, more: string] {
  const node = bars.node[bar]!;
  const from = bars.mergedFrom[bar]!;
  if (from >= 0) return [mergedName(tree, node, from), ""];
  if (node === tree.root && tree.frame(node) === 0) return ["whole program", ""];
  const folded =
    state.isFolded(tree.frame(node)) && tree === state.tree.value
      ? importName(state, tree, node)
      : null;
  return folded ? [folded, ""] : state.label(tree.frame(node), tree.by);
}

/** A run of the import system's frames is called by what it imports most of. */
function importName(state: ReportState, tree: CallTree, node: number): string {
  const [heaviest] = tree.children(node);
  if (heaviest === undefined || tree.weight(heaviest) < tree.weight(node) / 2) return "import";
  const frame = tree.frame(heaviest);
  if (state.names.function(frame) !== "<module>") return "import";
  const module = state.names.module(state.profile.frames.file[frame]!);
  return `import ${module}`;
}

function mergedName(tree: CallTree, node: number, from: number): string {
  const { own, under } = framesFrom(tree, node, from);
  const more = under ? ` and ${count(under)} under ${own === 1 ? "it" : "them"}` : "";
  return `${count(own)} narrow ${own === 1 ? "frame" : "frames"}${more}`;
}

export function figureOfBar(state: ReportState, tree: CallTree, bars: Bars, bar: number): string {
  const node = bars.node[bar]!;
  const from = bars.mergedFrom[bar]!;
  const value = from >= 0 ? valueFrom(tree, node, from) : tree.value(node);
  const weight = from >= 0 ? weightFrom(tree, node, from) : tree.weight(node);
  return `${state.format(value)}  ${share(weight, state.totals.value.weight[0]!)}`;
}

export function describeBar(
  state: ReportState,
  tree: CallTree,
  bars: Bars,
  bar: number,
): { spoken: string; shown: ComponentChildren } {
  const node = bars.node[bar]!;
  const from = bars.mergedFrom[bar]!;
  const figure = figureOfBar(state, tree, bars, bar);
  const merged = from >= 0;
  const folded = !merged && state.isFolded(tree.frame(node)) && tree === state.tree.value;

  const frame = tree.frame(node);
  const [name] = labelOfBar(state, tree, bars, bar);
  const of = merged || folded || frame === 0 ? "" : state.label(frame, tree.by).join(" ").trim();
  const source = merged || tree.by !== "line" ? null : state.sourceLine(frame);
  const style = merged ? "merged" : frameStyle(state, tree, node);
  return {
    spoken: `${of || name}, ${figure}`,
    shown: (
      <>
        <strong>
          <Name
            text={
              tree.by === "line" && !merged && !folded && frame !== 0
                ? state.names.function(frame)
                : name
            }
            limit={160}
          />
        </strong>
        {!merged && frame !== 0 && !folded && (
          <div class="muted">
            <Name
              text={
                tree.by === "line" ? state.names.fullPlace(frame) : state.names.fileOfFrame(frame)
              }
              limit={160}
            />
          </div>
        )}
        {source && (
          <code class="tooltip-code">
            <Name text={source} limit={120} />
          </code>
        )}
        <div class="figures">{figure}</div>
        <div class="muted">
          <i class={`swatch ${style}`} aria-hidden="true" /> {STYLE_NAMES[style]}
          {merged && " \u00b7 click to look inside"}
          {folded && " \u00b7 frames of the import system, as one"}
        </div>
      </>
    ),
  };
}

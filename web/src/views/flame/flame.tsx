// The call tree: who called whom, as wide as the bytes.

import { useEffect, useState } from "preact/hooks";
import { FlameCanvas } from "../../flame/flame_canvas";
import { framesFrom } from "../../flame/layout";
import { Legend } from "../../flame/legend";
import { GROUPINGS, type GroupKind } from "../../profile/grouping";
import { count } from "../../text/units";
import { Choice, Pick } from "../../widgets/choice";
import { Name } from "../../widgets/name";
import type { ViewProps } from "../registry";
import { Table } from "../table/table";

const BY: Record<GroupKind, string> = {
  line: "Lines",
  function: "Functions",
  file: "Files",
  module: "Modules",
  distribution: "Libraries",
};

export function Flame({ state }: ViewProps) {
  // The flame is painted before the rows under it are counted.
  const [painted, setPainted] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setPainted(true));
    return () => clearTimeout(timer);
  }, []);
  const tree = state.tree.value;
  const focus = state.flameFocus.value;
  const upward = state.flameUpward.value;
  const path: number[] = [];
  for (let node = focus.node; ; node = tree.parent(node)) {
    path.unshift(node);
    if (node === tree.root) break;
  }
  const shown = path.length > 6 ? [path[0]!, -1, ...path.slice(-4)] : path;
  const zoomed = focus.node !== tree.root || focus.from >= 0;
  return (
    <div class="flame-view">
      <div class="toolbar">
        <Choice
          label="Direction"
          options={[
            { id: "down", label: "Callees", about: "From the whole program to what it calls" },
            { id: "up", label: "Inverted", about: "From what allocates to who calls it" },
          ]}
          value={state.flameInverted.value ? "up" : "down"}
          onChange={(id) => {
            state.flameInverted.value = id === "up";
          }}
        />
        <Choice
          label="Shape"
          options={[
            { id: "icicle", label: "Icicle", about: "The root at the top" },
            { id: "flame", label: "Flame", about: "The root at the bottom" },
          ]}
          value={upward ? "flame" : "icicle"}
          onChange={(id) => {
            state.flameUpward.value = id === "flame";
          }}
        />
        <Pick
          label="What bars are"
          options={GROUPINGS.map((id) => ({ id, label: BY[id] }))}
          value={state.flameBy.value}
          onChange={(id) => {
            state.flameBy.value = id;
          }}
        />
        {state.flameBy.value === "line" && (state.sourceFiles.value?.size ?? 0) > 0 && (
          <Pick
            label="What bars are named by"
            options={[
              { id: "name", label: "function" },
              { id: "source", label: "source line" },
            ]}
            value={state.flameLabel.value}
            onChange={(id) => {
              state.flameLabel.value = id;
            }}
          />
        )}
        {zoomed && (
          <nav class="path" aria-label="Zoomed into">
            {shown.map((node) =>
              node < 0 ? (
                <span key="gap">{"\u2026"}</span>
              ) : (
                <button key={node} type="button" onClick={() => state.zoom({ node, from: -1 })}>
                  <Name
                    text={tree.frame(node) === 0 ? "all" : state.names.function(tree.frame(node))}
                    limit={28}
                  />
                </button>
              ),
            )}
            {focus.from >= 0 && (
              <span>{count(framesFrom(tree, focus.node, focus.from).own)} narrow frames</span>
            )}
          </nav>
        )}
        {state.treeIsWhole.value && (
          <button
            type="button"
            class="toggle"
            aria-pressed={!state.foldImports.value}
            title="Show each frame of the import system, not one bar for a run of them"
            onClick={() => {
              state.foldImports.value = !state.foldImports.value;
            }}
          >
            Import frames
          </button>
        )}
        <button
          type="button"
          class="toggle"
          aria-pressed={state.flameTable.value}
          title="Show the rows under the flame"
          onClick={() => {
            state.flameTable.value = !state.flameTable.value;
          }}
        >
          Rows below
        </button>
        <Legend state={state} />
      </div>
      <FlameCanvas
        state={state}
        tree={tree}
        label={`${state.flameInverted.value ? "Inverted call tree" : "Call tree"}: arrow keys walk, Enter zooms, Backspace goes back out`}
        upward={upward}
        snug={state.flameTable.value}
        focus={focus}
        onFocus={(to) => state.zoom(to)}
      />
      {state.flameTable.value && painted && <Table state={state} follow={false} />}
    </div>
  );
}

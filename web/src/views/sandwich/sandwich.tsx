// One function between its callers above and its callees below. Without a selection: the list to choose from.

import { useMemo, useState } from "preact/hooks";
import { FlameCanvas } from "../../flame/flame_canvas";
import type { Focus } from "../../flame/layout";
import { Legend } from "../../flame/legend";
import { MergedTree } from "../../profile/call_tree";
import { share } from "../../text/units";
import { Name } from "../../widgets/name";
import type { ViewProps } from "../registry";
import { FunctionList } from "./function_list";

const ROOT: Focus = { node: 0, from: -1 };

export function Sandwich({ state }: ViewProps) {
  const selection = state.selection.value;
  // A line is looked at with its whole function: that is what has callers.
  const frame = state.selectedFrame();
  const kind = selection && selection.kind !== "line" ? selection.kind : "function";
  const grouping = state.grouping(kind);
  const key = frame === null ? -1 : grouping.keyOfFrame[frame]!;
  const totals = state.totals.value;
  const trees = useMemo(
    () =>
      key < 0 || frame === 0
        ? null
        : {
            callers: MergedTree.callers(state.profile, totals, grouping, key),
            callees: MergedTree.callees(state.profile, totals, grouping, key),
          },
    [state, totals, grouping, key],
  );
  const [above, setAbove] = useState<{ of: unknown; focus: Focus }>({ of: null, focus: ROOT });
  const [below, setBelow] = useState<{ of: unknown; focus: Focus }>({ of: null, focus: ROOT });
  const sums = state.groupTotals(kind);
  return (
    <div class="sandwich">
      <FunctionList state={state} />
      <div class="sandwich-pictures">
        {trees ? (
          <>
            <div class="toolbar">
              <strong>
                <Name text={state.names.group(grouping, key)} limit={80} />
              </strong>
              <span class="muted">
                {state.format(sums.inclusive[key]!)} ({share(sums.inclusive[key]!, totals.total)}),
                itself {state.format(sums.self[key]!)}
              </span>
              <Legend state={state} />
            </div>
            <h2>Callers</h2>
            <FlameCanvas
              state={state}
              tree={trees.callers}
              label="Callers, the nearest at the bottom"
              upward
              focus={above.of === trees ? above.focus : ROOT}
              onFocus={(focus) => setAbove({ of: trees, focus })}
            />
            <h2>Callees</h2>
            <FlameCanvas
              state={state}
              tree={trees.callees}
              label="Callees, the nearest at the top"
              focus={below.of === trees ? below.focus : ROOT}
              onFocus={(focus) => setBelow({ of: trees, focus })}
            />
          </>
        ) : (
          <p class="empty">Choose a function to see who calls it and what it calls.</p>
        )}
      </div>
    </div>
  );
}

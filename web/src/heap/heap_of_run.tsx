// The Heap views as one tab of a run's report.

import { useMemo } from "preact/hooks";
import type { ViewProps } from "../views/registry";
import { HeapHeadline } from "./heap_app";
import { HeapState } from "./heap_state";
import { HeapTabs, HeapViews } from "./heap_views";
import "./heap.css";

export function HeapOfRun({ state }: ViewProps) {
  const { heap } = state.profile;
  const inside = useMemo(() => (heap ? new HeapState(heap) : null), [heap]);
  if (!inside) return null;
  return (
    <div class="heap-of-run">
      <div class="toolbar">
        <HeapHeadline state={inside} />
      </div>
      <div class="controls">
        <HeapTabs state={inside} />
      </div>
      <div class="heap-main">
        <HeapViews state={inside} />
      </div>
    </div>
  );
}

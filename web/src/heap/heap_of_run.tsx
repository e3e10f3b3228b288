// The Heap views as one tab of a run's report.

import type { ViewProps } from "../views/registry";
import { HeapHeadline } from "./heap_headline";
import { HeapTabs, HeapViews } from "./heap_views";
import "./heap.css";

export function HeapOfRun({ state }: ViewProps) {
  const { heap } = state;
  if (!heap) return null;
  return (
    <div class="heap-of-run">
      <div class="toolbar">
        <HeapHeadline state={heap} />
      </div>
      <div class="controls">
        <HeapTabs state={heap} />
      </div>
      <div class="heap-main">
        <HeapViews state={heap} />
      </div>
    </div>
  );
}

// Reads the page's data and shows the report; what cannot be read is said in one line.

import { render } from "preact";
import { App } from "./app/app";
import { HeapApp } from "./heap/heap_app";
import { readHeap } from "./heap/heap_data";
import { HeapState } from "./heap/heap_state";
import { readPayloadOf } from "./payload/read";
import { readProfile } from "./profile/profile";
import { followHash } from "./state/hash";
import { ReportState } from "./state/report_state";
import { heapInHash, runInHash } from "./state/url_state";
import { middle, visible } from "./text/visible";
import "./style/theme.css";
import "./style/page.css";
import "./style/header.css";
import "./style/timeline.css";
import "./style/controls.css";
import "./style/details.css";
import "./style/tooltip.css";
import "./style/help.css";
import "./style/narrow.css";
import "./style/views.css";

const place = document.getElementById("report")!;
try {
  const { manifest, columns, sources } = await readPayloadOf(document);
  performance.mark("heapscope:unpacked");
  const heap = await readHeap(manifest.heap);
  const { title, kind } = manifest;
  const what = { run: "memory", diff: "memory compared", heap: "the object heap" }[kind];
  document.title = `${visible(middle(title, 100))}: ${what}`;
  if (kind === "heap") {
    if (!heap) throw new Error("it holds no heap snapshot");
    const state = new HeapState(heap);
    performance.mark("heapscope:modelled");
    followHash(heapInHash(state));
    place.replaceChildren();
    render(<HeapApp state={state} />, place);
    requestAnimationFrame(() => setTimeout(() => performance.mark("heapscope:first-heap-view"), 0));
  } else {
    const state = new ReportState(readProfile(manifest, columns, heap), sources);
    performance.mark("heapscope:modelled");
    followHash(runInHash(state));
    place.replaceChildren();
    render(<App state={state} />, place);
  }
} catch (error) {
  place.className = "unreadable";
  place.textContent = `This report cannot be shown: ${error instanceof Error ? error.message : error}`;
}

// Reads the page's data and shows the report; what cannot be read is said in one line.

import { render } from "preact";
import { App } from "./app/app";
import { readPayloadOf } from "./payload/read";
import { readProfile } from "./profile/profile";
import { ReportState } from "./state/report_state";
import { followHash } from "./state/url_state";
import { middle, visible } from "./text/visible";
import "./style/theme.css";
import "./style/report.css";
import "./style/views.css";

const place = document.getElementById("report")!;
try {
  const { manifest, columns, sources } = await readPayloadOf(document);
  performance.mark("heapscope:unpacked");
  const state = new ReportState(readProfile(manifest, columns), sources);
  const { title, kind } = manifest;
  document.title = `${visible(middle(title, 100))}: ${kind === "diff" ? "memory compared" : "memory"}`;
  performance.mark("heapscope:modelled");
  followHash(state);
  place.replaceChildren();
  render(<App state={state} />, place);
} catch (error) {
  place.className = "unreadable";
  place.textContent = `This report cannot be shown: ${error instanceof Error ? error.message : error}`;
}

// Reads the page's data and shows the report; what cannot be read is said in one line.

import { render } from "preact";
import { App } from "./app/app";
import { readPayloadOf } from "./payload/read";
import { readProfile } from "./profile/profile";
import { ReportState } from "./state/report_state";
import "./style/report.css";

const place = document.getElementById("report")!;
try {
  const { manifest, columns, sources } = await readPayloadOf(document);
  const state = new ReportState(readProfile(manifest, columns), sources);
  place.replaceChildren();
  render(<App state={state} />, place);
} catch (error) {
  place.className = "unreadable";
  place.textContent = `This report cannot be shown: ${error instanceof Error ? error.message : error}`;
}

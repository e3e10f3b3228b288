// What the looks of bars mean: colour and texture with words.

import type { ReportState } from "../state/report_state";
import { type BarStyle, STYLE_NAMES } from "./palette";

const RUN: BarStyle[] = ["program", "library", "interpreter", "import", "none"];
const DIFF: BarStyle[] = ["grown", "shrunk", "same"];

export function Legend({ state }: { state: ReportState }) {
  return (
    <ul class="legend owners">
      {(state.isDiff ? DIFF : RUN).map((style) => (
        <li key={style}>
          <i class={`swatch ${style}`} aria-hidden="true" /> {STYLE_NAMES[style]}
        </li>
      ))}
    </ul>
  );
}

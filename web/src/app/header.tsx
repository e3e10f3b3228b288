// The opening sentence, what was recorded, and what concerns the whole page: search, theme, help.

import type { ReportState, Theme } from "../state/report_state";
import { count, duration, size } from "../text/units";
import { Name } from "../widgets/name";
import { Headline } from "./headline";
import { HelpIcon, Mark, SearchIcon, ThemeIcon } from "./icons";

const NEXT: Record<Theme, Theme> = { system: "dark", dark: "light", light: "system" };

export function Header({ state }: { state: ReportState }) {
  const { manifest } = state.profile;
  const { summary, base_summary } = manifest;
  const theme = state.theme.value;
  return (
    <header class="header">
      <Mark />
      <div class="opening">
        <Headline state={state} />
        <p class="recorded">
          {base_summary && (
            <span>
              B <Name text={summary.capture} limit={60} /> less A{" "}
              <Name text={base_summary.capture} limit={60} />
            </span>
          )}
          <span>
            <code>
              <Name text={commandOf(summary.command)} limit={90} />
            </code>
          </span>
          <span>CPython {summary.python_version}</span>
          <span>{duration(summary.duration_s)}</span>
          {summary.peak_rss_bytes !== null && (
            <span>RSS at most {size(summary.peak_rss_bytes)}</span>
          )}
          <span>{count(summary.allocations)} allocations</span>
          {summary.mode === "sampled" && (
            <span>sampled, one in {size(summary.sample_interval_bytes)}</span>
          )}
        </p>
      </div>
      <label class="search">
        <SearchIcon />
        <span class="unseen">Search functions, files and modules</span>
        <input
          id="search"
          type="search"
          placeholder="Search  ( / )"
          value={state.search.value}
          onInput={(event) => {
            state.search.value = event.currentTarget.value;
          }}
        />
      </label>
      <button
        type="button"
        class="quiet"
        aria-label={`Theme: ${theme}`}
        title={`Theme: ${theme}. Click for ${NEXT[theme]}.`}
        onClick={() => {
          state.theme.value = NEXT[theme];
        }}
      >
        <ThemeIcon theme={theme} />
      </button>
      <button
        type="button"
        class="quiet"
        aria-label="Help and keys"
        title="Help and keys ( ? )"
        onClick={() => {
          state.help.value = true;
        }}
      >
        <HelpIcon />
      </button>
    </header>
  );
}

/** The command without the interpreter's directory. */
function commandOf(command: string[]): string {
  const [program = "", ...rest] = command;
  return [program.split("/").at(-1), ...rest].join(" ");
}

// The page: what the capture says in a sentence, memory over time, and the views.

import { useEffect } from "preact/hooks";
import { Details } from "../details/details";
import type { ReportState } from "../state/report_state";
import { Timeline } from "../timeline/timeline";
import { viewsOf } from "../views/registry";
import { Controls } from "./controls";
import { Header } from "./header";
import { Help } from "./help";
import { listenForKeys } from "./keys";
import { Notices } from "./notices";

export function App({ state }: { state: ReportState }) {
  const views = viewsOf(state.profile);
  const view = views.find(({ id }) => id === state.view.value) ?? views[0]!;
  const Shown = view.component;
  useEffect(() => listenForKeys(state), [state]);
  useEffect(() => {
    // After the first picture; what names bars by their source lines follows when it is there.
    const timer = setTimeout(() => state.readSources(), 50);
    return () => clearTimeout(timer);
  }, [state]);
  useEffect(() => {
    const { theme } = state;
    return theme.subscribe((chosen) => {
      const root = document.documentElement;
      if (chosen === "system") root.removeAttribute("data-theme");
      else root.setAttribute("data-theme", chosen);
    });
  }, [state]);
  return (
    <>
      <Header state={state} />
      <Notices state={state} />
      <Timeline state={state} />
      <Controls state={state} views={views} view={view} />
      <main>
        <section
          id="view"
          role="tabpanel"
          aria-labelledby={`tab-${view.id}`}
          class={`view-${view.id}`}
        >
          <Shown state={state} />
        </section>
        {view.details !== false && <Details state={state} />}
      </main>
      {state.help.value && <Help state={state} views={views} />}
    </>
  );
}

// The page: what the capture says in a sentence, and the views.

import type { ReportState } from "../state/report_state";
import { VIEWS } from "../views/registry";
import { Header } from "./header";

export function App({ state }: { state: ReportState }) {
  const views = VIEWS.filter((view) => view.available(state.profile));
  const view = views.find(({ id }) => id === state.view.value) ?? views[0]!;
  const Shown = view.component;
  return (
    <>
      <Header state={state} />
      <div class="tabs" role="tablist" aria-label="Views">
        {views.map(({ id, title, about }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={id === view.id}
            aria-controls="view"
            title={about}
            onClick={() => {
              state.view.value = id;
            }}
          >
            {title}
          </button>
        ))}
      </div>
      <main>
        <section id="view" role="tabpanel" aria-labelledby={`tab-${view.id}`}>
          <Shown state={state} />
        </section>
      </main>
    </>
  );
}

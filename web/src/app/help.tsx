// What the views and the keys do, over the page.

import { useEffect, useRef } from "preact/hooks";
import { METRICS } from "../profile/figures";
import type { ReportState } from "../state/report_state";
import { size } from "../text/units";
import type { View } from "../views/registry";
import { KEYS } from "./keys";

/** Of the page as it came: without what was drawn, and without script and style as they were unpacked. */
function sizeOfFile(): number {
  const of = (id: string) => document.getElementById(id)?.innerHTML.length ?? 0;
  return (
    document.documentElement.outerHTML.length -
    of("report") -
    of("heapscope-running") -
    of("heapscope-look")
  );
}

export function Help({ state, views }: { state: ReportState; views: readonly View[] }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current!.showModal();
  }, []);
  const close = () => {
    state.help.value = false;
  };
  const metrics = METRICS.filter(({ figure }) => figure !== null);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={close}>
      <header>
        <h2 id="help-title">How to read this report</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={close}>
          {"\u00d7"}
        </button>
      </header>
      <div class="help-columns">
        <section>
          <h3>Views</h3>
          <dl>
            {views.map(({ id, title, about }) => (
              <>
                <dt key={id}>{title}</dt>
                <dd>{about}</dd>
              </>
            ))}
          </dl>
          <h3>Figures</h3>
          <dl>
            {metrics.map(({ id, label, meaning }) => (
              <>
                <dt key={id}>{label}</dt>
                <dd>{meaning}</dd>
              </>
            ))}
          </dl>
        </section>
        <section>
          <h3>Keys</h3>
          <dl class="keys">
            {KEYS.map(({ keys, does }) => (
              <>
                <dt key={keys}>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{does}</dd>
              </>
            ))}
          </dl>
          <p>
            Drag over the timeline to ask everything below about a range of time. In the flame a
            click selects, a double click zooms. Hatched bars are frames too narrow to draw one by
            one: click one to look inside.
          </p>
        </section>
      </div>
      <footer class="muted">
        This page is one file of {size(sizeOfFile())} and asks nothing of any network.
      </footer>
    </dialog>
  );
}

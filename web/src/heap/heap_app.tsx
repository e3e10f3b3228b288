// The report of a heap snapshot alone: what it says in a sentence, and the Heap views.

import { useEffect, useState } from "preact/hooks";
import { HelpIcon, Mark, ThemeIcon } from "../app/icons";
import { count, size } from "../text/units";
import { Name } from "../widgets/name";
import { HeapHeadline } from "./heap_headline";
import { HeapHelp } from "./heap_help";
import { listenForHeapKeys } from "./heap_keys";
import type { HeapState } from "./heap_state";
import { HeapTabs, HeapViews } from "./heap_views";
import "./heap.css";

type Theme = "system" | "dark" | "light";
const NEXT: Record<Theme, Theme> = { system: "dark", dark: "light", light: "system" };

export function HeapApp({ state }: { state: HeapState }) {
  const [theme, setTheme] = useState<Theme>("system");
  useEffect(() => {
    const root = document.documentElement;
    if (theme === "system") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
  }, [theme]);
  const [help, setHelp] = useState(false);
  useEffect(
    () =>
      listenForHeapKeys(state, {
        theme: () => setTheme((now) => NEXT[now]),
        help: () => setHelp((now) => !now),
      }),
    [state],
  );
  const { data } = state;
  return (
    <>
      <header class="header">
        <Mark />
        <div class="opening">
          <HeapHeadline state={state} />
          <p class="recorded">
            {data.comparison && (
              <span>
                B <Name text={data.snapshot} limit={60} /> less A{" "}
                <Name text={data.comparison.base} limit={60} />
              </span>
            )}
            <span>
              <code>
                <Name text={data.title} limit={90} />
              </code>
            </span>
            {data.info["python"] && (
              <span>
                CPython <Name text={data.info["python"]} limit={20} />
              </span>
            )}
            {data.info["taken_at"] && (
              <span>
                <Name text={data.info["taken_at"]} limit={40} />
              </span>
            )}
            {data.info["rss_bytes"] && <span>RSS {size(Number(data.info["rss_bytes"]))}</span>}
            <span>{count(data.references)} references</span>
            {data.own.objects > 0 && (
              <span>
                {count(data.own.objects)} objects, {size(data.own.bytes)}, are heapscope's own
              </span>
            )}
          </p>
        </div>
        <button
          type="button"
          class="quiet"
          aria-label={`Theme: ${theme}`}
          title={`Theme: ${theme}. Click for ${NEXT[theme]}.`}
          onClick={() => setTheme(NEXT[theme])}
        >
          <ThemeIcon theme={theme} />
        </button>
        <button
          type="button"
          class="quiet"
          aria-label="Help and keys"
          title="Help and keys ( ? )"
          onClick={() => setHelp(true)}
        >
          <HelpIcon />
        </button>
      </header>
      <div class="controls">
        <HeapTabs state={state} />
      </div>
      <main class="heap-main">
        <HeapViews state={state} />
      </main>
      {help && <HeapHelp state={state} onClose={() => setHelp(false)} />}
    </>
  );
}

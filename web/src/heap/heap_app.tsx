// The report of a heap snapshot alone: what it says in a sentence, and the Heap views.

import { useEffect, useState } from "preact/hooks";
import { Mark, ThemeIcon } from "../app/icons";
import { count, share, size } from "../text/units";
import { Name } from "../widgets/name";
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
      </header>
      <div class="controls">
        <HeapTabs state={state} />
      </div>
      <main class="heap-main">
        <HeapViews state={state} />
      </main>
    </>
  );
}

export function HeapHeadline({ state }: { state: HeapState }) {
  const { data } = state;
  const biggest = data.types[0];
  const change = data.comparison ? data.total_bytes - data.comparison.base_total_bytes : null;
  return (
    <h1 class="headline">
      {count(data.objects)} objects, <strong>{size(data.total_bytes)}</strong>
      {change !== null && (
        <>
          , {change >= 0 ? size(change) : size(-change)} {change >= 0 ? "more" : "less"} than before
        </>
      )}
      {biggest && (
        <>
          ; <Name text={biggest.type} limit={60} /> retains{" "}
          {share(biggest.retained_bytes, data.all_bytes)}
        </>
      )}
      {data.garbage.objects > 0 && (
        <>; {count(data.garbage.objects)} are garbage that no collection has found yet</>
      )}
      .
    </h1>
  );
}

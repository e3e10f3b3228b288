// What the views, the words and the keys of a page mean, over the page.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { KeyHelp } from "./page_keys";

/** A word and what it means. */
export type Meaning = readonly [word: string, meaning: string];

export function HelpDialog(props: {
  sections: readonly (readonly [title: string, rows: readonly Meaning[]])[];
  keys: readonly KeyHelp[];
  /** Below the keys. */
  children: ComponentChildren;
  footer?: string;
  onClose(): void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current!.showModal();
  }, []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={props.onClose}>
      <header>
        <h2 id="help-title">How to read this report</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={props.onClose}>
          {"\u00d7"}
        </button>
      </header>
      <div class="help-columns">
        <section>
          {props.sections.map(([title, rows]) => (
            <>
              <h3 key={title}>{title}</h3>
              <dl>
                {rows.map(([word, meaning]) => (
                  <>
                    <dt key={word}>{word}</dt>
                    <dd>{meaning}</dd>
                  </>
                ))}
              </dl>
            </>
          ))}
        </section>
        <section>
          <h3>Keys</h3>
          <dl class="keys">
            {props.keys.map(({ keys, does }) => (
              <>
                <dt key={keys}>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{does}</dd>
              </>
            ))}
          </dl>
          <p>{props.children}</p>
        </section>
      </div>
      {props.footer && <footer class="muted">{props.footer}</footer>}
    </dialog>
  );
}

// Keys of a whole page: they work everywhere but in a text field, and while a dialog is open only `?` does.

/** What the help says of keys. */
export interface KeyHelp {
  keys: string;
  does: string;
}

const inText = (target: EventTarget | null) =>
  target instanceof HTMLInputElement ||
  target instanceof HTMLSelectElement ||
  target instanceof HTMLTextAreaElement;

/** Calls the action of each key that is pressed (`KeyboardEvent.key`), until what it returns is called. */
export function listenForPageKeys(actions: Readonly<Record<string, () => void>>): () => void {
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]") && event.key !== "?") return;
    if (inText(event.target) && event.key !== "Escape") return;
    const action = actions[event.key];
    if (!action) return;
    action();
    event.preventDefault();
    if (event.key === "Escape" && inText(event.target)) (event.target as HTMLElement).blur();
  };
  window.addEventListener("keydown", press);
  return () => window.removeEventListener("keydown", press);
}

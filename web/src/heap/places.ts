// Where objects were allocated, as the analysis writes it: "/srv/app/work.py:58 (Work.load)".

import { shortFile } from "../profile/names";

export interface Place {
  function: string;
  /** "app/work.py:58". */
  short: string;
  /** "/srv/app/work.py:58". */
  full: string;
}

/** null: it is not known. */
export function placeOf(site: string): Place | null {
  const found = /^(.*):(\d+) \((.*)\)$/s.exec(site);
  if (!found) return null;
  const [, file = "", line = "", name = ""] = found;
  return { function: name, short: `${shortFile(file)}:${line}`, full: `${file}:${line}` };
}

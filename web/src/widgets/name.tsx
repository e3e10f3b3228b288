// A text that the profiled program gave: as text only, kept apart from the direction of what surrounds it, its
// middle left out beyond a limit; the whole of it is in the title.

import { middle, visible } from "../text/visible";

const LONGEST_TITLE = 2000;

export function Name({ text, limit = 200 }: { text: string; limit?: number }) {
  // A name of many kilobytes is cut before its characters are looked at.
  const shown = visible(middle(text, 2 * limit));
  const fits = shown.length <= limit && text.length <= 2 * limit;
  if (fits) return <bdi>{shown}</bdi>;
  return <bdi title={visible(middle(text, LONGEST_TITLE))}>{middle(shown, limit)}</bdi>;
}

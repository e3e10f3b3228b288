// One line of source, coloured by what Pygments took its pieces for.

import type { SourceLine } from "../../payload/sources";
import { visible } from "../../text/visible";

/** Longer lines are cut: nobody reads on, and browsers lay them out slowly. */
const LONGEST = 400;

/** From Pygments' short classes to the page's few: "kn" is a keyword, "s2" a string. */
export function lookOf(kind: string): string {
  if (kind === "ow") return "keyword";
  switch (kind[0]) {
    case "k":
      return "keyword";
    case "s":
      return "string";
    case "c":
      return "comment";
    case "m":
      return "number";
    case "n":
      return kind === "nf" || kind === "nc" || kind === "fm" ? "definition" : "";
    default:
      return "";
  }
}

export function SourceText({ line }: { line: SourceLine }) {
  const pieces = [];
  let room = LONGEST;
  for (let i = 0; i + 1 < line.length && room > 0; i += 2) {
    const text = line[i]!.slice(0, room);
    const look = lookOf(line[i + 1]!);
    const shown = visible(text.replaceAll("\t", "    "));
    pieces.push(look ? <span class={`code-${look}`}>{shown}</span> : shown);
    room -= text.length;
  }
  return (
    <code class="code-line">
      {pieces}
      {room <= 0 && "\u2026"}
    </code>
  );
}

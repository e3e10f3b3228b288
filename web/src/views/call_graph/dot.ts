// The call graph in Graphviz's language, as gprof2dot writes it.

import type { Graph } from "./graph";

export interface DotTexts {
  name(frame: number): string;
  place(frame: number): string;
  figure(value: number): string;
  share(value: number): string;
}

/** A quoted string: names may hold anything. */
export function quoted(text: string): string {
  const safe = text
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n")
    .replaceAll("\u0000", "\u2400");
  return `"${safe}"`;
}

export function dotOf({ nodes, edges }: Graph, title: string, texts: DotTexts): string {
  const lines = [
    "digraph heapscope {",
    `  label=${quoted(title)};`,
    "  node [shape=box, fontname=Helvetica, fontsize=10];",
    "  edge [fontname=Helvetica, fontsize=9];",
  ];
  for (const [index, { frame, self, inclusive }] of nodes.entries()) {
    const label = [
      texts.name(frame),
      texts.place(frame),
      `${texts.figure(inclusive)} (${texts.share(inclusive)})`,
      `itself ${texts.figure(self)} (${texts.share(self)})`,
    ];
    lines.push(`  n${index} [label=${quoted(label.join("\n"))}];`);
  }
  for (const { from, to, value } of edges)
    lines.push(`  n${from} -> n${to} [label=${quoted(texts.figure(value))}];`);
  return `${lines.join("\n")}\n}\n`;
}

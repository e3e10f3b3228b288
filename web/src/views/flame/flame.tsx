// The call tree: who called whom, as wide as the bytes.

import { size } from "../../text/units";
import { visible } from "../../text/visible";
import type { ViewProps } from "../registry";

export function Flame({ state }: ViewProps) {
  const tree = state.tree.value;
  return (
    <ul>
      {Array.from(tree.children(tree.root), (node) => (
        <li key={node}>
          {visible(state.names.frame(tree.frame(node)))} {size(tree.value(node))}
        </li>
      ))}
    </ul>
  );
}

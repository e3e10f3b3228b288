// The two trees: who holds what alone, and what roots refer to.

import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { count, size } from "../text/units";
import { BarCell } from "../widgets/bar_cell";
import { Name } from "../widgets/name";
import type { ReferenceRow } from "./heap_data";
import type { HeapState } from "./heap_state";
import type { HeapViewProps } from "./heap_views";
import { type TreeNode, TreeTable } from "./tree_table";

function bar(state: HeapState, bytes: number) {
  return <BarCell value={bytes} whole={state.data.all_bytes} text={size(bytes)} />;
}

function branch(state: HeapState, index: number): TreeNode {
  const [object, , retained, children, leftOut, , , , group] = state.data.branches[index]!;
  const told = state.listed(object);
  const below = state.children[index]!;
  return {
    key: `b${index}`,
    object: told ? object : null,
    name: (
      <>
        <Name text={state.nameOfBranch(index)} limit={80} />
        {told?.text != null && (
          <code>
            <Name text={JSON.stringify(told.text)} limit={40} />
          </code>
        )}
        {told?.path && told.path !== state.nameOfBranch(index) && (
          <code>
            <Name text={told.path} limit={90} />
          </code>
        )}
        {index === 0 && <span class="muted">{count(children)} that no object holds alone</span>}
        {group && (
          <span class="muted">
            {group === "type" ? "" : `${group}, `}
            {count(children)} objects
          </span>
        )}
      </>
    ),
    size: told && state.labelOf(object) === undefined ? size(told.size_bytes) : "",
    retained: bar(state, retained),
    children:
      below.length === 0 && leftOut === 0
        ? null
        : () => [...below.map((child) => branch(state, child)), ...leftOutOf(state, index)],
  };
}

/** What hangs below a branch and is no branch, a row a type; the rest of the types is one. */
function leftOutOf(state: HeapState, index: number): TreeNode[] {
  const [, , , , leftOut, leftOutBytes, , kinds] = state.data.branches[index]!;
  const rows: TreeNode[] = [];
  let [others, otherBytes] = [leftOut, leftOutBytes];
  const add = (number: number, bytes: number, name: ComponentChildren) =>
    rows.push({
      key: `b${index}.rest${rows.length}`,
      object: null,
      name: (
        <span class="muted">
          {count(number)} smaller {name}
        </span>
      ),
      size: "",
      retained: bar(state, bytes),
      children: null,
    });
  for (const [type, number, bytes] of kinds) {
    add(number, bytes, <Name text={type} limit={60} />);
    others -= number;
    otherBytes -= bytes;
  }
  if (others > 0) add(others, otherBytes, "of other types");
  return rows;
}

export function DominatorTree({ state }: HeapViewProps) {
  const top = useMemo(() => [branch(state, 0)], [state]);
  const at = state.branchOf.get(state.object.value ?? 0) ?? 0;
  const opened = state
    .pathToBranch(at)
    .slice(0, at === 0 ? 1 : -1)
    .map((index) => `b${index}`);
  return (
    <TreeTable
      label="Dominator tree"
      top={top}
      opened={opened}
      shown={state.object.value}
      empty="The heap is empty."
      onSelect={(object) => state.show(object)}
    />
  );
}

function reference(state: HeapState, row: ReferenceRow, key: string, depth: number): TreeNode {
  const [name, object, type, bytes, retained] = row;
  const told = state.listed(object);
  return {
    key,
    object: told ? object : null,
    name: (
      <>
        <code>
          <Name text={name || "\u2013"} limit={40} />
        </code>
        <Name text={type} limit={60} />
        {told?.text != null && (
          <code>
            <Name text={JSON.stringify(told.text)} limit={40} />
          </code>
        )}
      </>
    ),
    size: size(bytes),
    retained: bar(state, retained),
    children:
      !told || told.references.total === 0 || depth > 200
        ? null
        : () => {
            const shown = told.references.rows.map((each, index) =>
              reference(state, each, `${key}.${index}`, depth + 1),
            );
            return [...shown, ...rest(key, told.references.total - shown.length)];
          },
  };
}

function rest(key: string, left: number): TreeNode[] {
  if (left <= 0) return [];
  const name = <span class="muted">{count(left)} more references are not in this report</span>;
  return [{ key: `${key}.rest`, object: null, name, size: "", retained: "", children: null }];
}

/** What roots refer to. A cycle can be opened again and again: it is what the references say. */
export function Containment({ state }: HeapViewProps) {
  const top = useMemo(
    () =>
      state.data.roots.map((root): TreeNode => {
        const key = `root${root.id}`;
        return {
          key,
          object: null,
          name: (
            <>
              <Name text={root.label} limit={80} />
              <span class="muted">{root.kind.replaceAll("_", " ")}</span>
              {root.file && (
                <code>
                  <Name text={`${root.file}${root.line ? `:${root.line}` : ""}`} limit={60} />
                </code>
              )}
            </>
          ),
          size: "",
          retained: "",
          children:
            root.total === 0
              ? null
              : () => [
                  ...root.references.map((row, index) =>
                    reference(state, row, `${key}.${index}`, 1),
                  ),
                  ...rest(key, root.total - root.references.length),
                ],
        };
      }),
    [state],
  );
  return (
    <TreeTable
      label="References from roots"
      top={top}
      opened={top.slice(0, 1).map(({ key }) => key)}
      shown={state.object.value}
      empty="There are no named roots."
      onSelect={(object) => state.show(object)}
    />
  );
}

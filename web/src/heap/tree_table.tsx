// A tree as a table: rows open and close. Arrow keys left and right close and open, as in any tree.

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { VirtualTable } from "../widgets/virtual_table";

export interface TreeNode {
  key: string;
  /** The object it is; null for what is many. */
  object: number | null;
  name: ComponentChildren;
  size: ComponentChildren;
  retained: ComponentChildren;
  /** null: there is nothing below. */
  children: (() => TreeNode[]) | null;
}

interface Row {
  node: TreeNode;
  depth: number;
  parent: number;
}

export interface TreeTableProps {
  label: string;
  top: TreeNode[];
  /** Keys of the rows that are open at first, and again when `shown` changes. */
  opened: string[];
  /** The object that is looked at: the first row that is it is selected, until another is. */
  shown: number | null;
  empty: string;
  onSelect(object: number): void;
}

export function TreeTable({ label, top, opened, shown, empty, onSelect }: TreeTableProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set(opened));
  // What is looked at comes into sight, wherever it was chosen.
  useEffect(() => setOpen((now) => new Set([...now, ...opened])), [shown]);
  const [chosen, setChosen] = useState<string | null>(null);
  const rows = useMemo(() => {
    const made: Row[] = [];
    const add = (nodes: TreeNode[], depth: number, parent: number) => {
      for (const node of nodes) {
        const at = made.push({ node, depth, parent }) - 1;
        if (node.children && open.has(node.key)) add(node.children(), depth + 1, at);
      }
    };
    add(top, 0, -1);
    return made;
  }, [top, open]);
  const at = rows.findIndex(({ node }) => node.key === chosen);
  const first = rows.findIndex(({ node }) => node.object !== null && node.object === shown);
  const stays = at >= 0 && (first < 0 || [null, shown].includes(rows[at]!.node.object));
  const selected = stays ? at : first >= 0 ? first : null;
  const toggle = (row: number, want?: boolean) => {
    const node = rows[row]?.node;
    if (!node?.children) return;
    const next = new Set(open);
    if (want ?? !open.has(node.key)) next.add(node.key);
    else next.delete(node.key);
    setOpen(next);
  };
  const select = (row: number) => {
    setChosen(rows[row]?.node.key ?? null);
    const object = rows[row]?.node.object;
    if (object !== null && object !== undefined) onSelect(object);
  };
  const press = (event: KeyboardEvent) => {
    const row = selected === null ? undefined : rows[selected];
    if (!row || selected === null) return;
    const isOpen = row.node.children !== null && open.has(row.node.key);
    if (event.key === "ArrowRight") {
      if (isOpen) select(selected + 1);
      else toggle(selected, true);
    } else if (event.key === "ArrowLeft") {
      if (isOpen) toggle(selected, false);
      else if (row.parent >= 0) select(row.parent);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the grid in it
    <div class="tree-table" onKeyDown={press}>
      <VirtualTable
        label={label}
        columns={[
          {
            id: "name",
            title: "Object",
            width: "minmax(0,1fr)",
            sortable: false,
            cell: (row) => {
              const { node, depth } = rows[row]!;
              const isOpen = open.has(node.key);
              return (
                <span class="row-name" style={{ paddingLeft: `${depth * 16}px` }}>
                  <button
                    type="button"
                    class={node.children ? "twist" : "twist none"}
                    tabIndex={-1}
                    aria-label={isOpen ? "Close" : "Open"}
                    aria-expanded={node.children ? isOpen : undefined}
                    aria-hidden={node.children ? undefined : true}
                    onClick={() => toggle(row)}
                  >
                    {node.children ? (isOpen ? "\u25be" : "\u25b8") : ""}
                  </button>
                  {node.name}
                </span>
              );
            },
          },
          {
            id: "size",
            title: "Size",
            width: "96px",
            numeric: true,
            sortable: false,
            cell: (row) => rows[row]!.node.size,
          },
          {
            id: "retained",
            title: "Retained",
            width: "170px",
            numeric: true,
            sortable: false,
            cell: (row) => rows[row]!.node.retained,
          },
        ]}
        rows={rows.map((_, index) => index)}
        sort={{ column: "retained", descending: true }}
        onSort={() => {}}
        selected={selected}
        onSelect={select}
        onOpen={toggle}
        empty={empty}
      />
    </div>
  );
}

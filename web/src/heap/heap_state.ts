// What the reader looks at in the Heap views: view, object, type, line, part of the treemap; and the dominator tree
// as lists of children. All of it lies in the address (heap_url.ts).

import { batch, signal } from "@preact/signals";
import type { HeapData, ListedObject, TypeRow } from "./heap_data";

export class HeapState {
  readonly view = signal("types");
  readonly object = signal<number | null>(null);
  readonly type = signal<string | null>(null);
  /** Index of the line of "Allocated at". */
  readonly site = signal<number | null>(null);
  /** What types' names contain. */
  readonly search = signal("");
  /** The branch that fills the treemap. */
  readonly part = signal(0);
  /** Objects that were looked at before, to go back to. */
  readonly before = signal<number[]>([]);
  /** Indices of branches by the index of their parent. */
  readonly children: number[][];
  readonly branchOf = new Map<number, number>();
  private readonly labels = new Map<number, string>();
  private readonly types = new Map<string, TypeRow>();

  constructor(readonly data: HeapData) {
    this.children = data.branches.map(() => []);
    data.branches.forEach(([object, parent], index) => {
      if (index === 0) return;
      this.children[parent]?.push(index);
      if (object !== 0) this.branchOf.set(object, index);
    });
    for (const { id, label } of data.roots) this.labels.set(id, label);
    for (const row of data.types) this.types.set(row.type, row);
  }

  listed(object: number): ListedObject | undefined {
    return this.data.listed[object];
  }

  typeRow(name: string | null): TypeRow | undefined {
    return name === null ? undefined : this.types.get(name);
  }

  /** What a root is called; undefined: it is an object. */
  labelOf(object: number): string | undefined {
    return this.labels.get(object);
  }

  show(object: number): void {
    if (!this.listed(object) || object === this.object.value) return;
    if (this.object.value !== null) this.before.value = [...this.before.value, this.object.value];
    this.object.value = object;
  }

  back(): void {
    const last = this.before.value.at(-1);
    this.before.value = this.before.value.slice(0, -1);
    this.object.value = last ?? null;
  }

  /** Shows the objects of a type, whatever was searched. */
  showType(type: string): void {
    batch(() => {
      this.type.value = type;
      this.search.value = "";
      this.view.value = "types";
    });
  }

  /** What a branch is called: its type, of a root its label, of a group its name. */
  nameOfBranch(index: number): string {
    const [object, , , , , , type] = this.data.branches[index]!;
    return index === 0 ? "Everything" : (this.labels.get(object) ?? type);
  }

  /** The same with the last step of its path: "list .ORDERS", "dict ['app'].__dict__". */
  nameAndStep(index: number): string {
    const name = this.nameOfBranch(index);
    const [object] = this.data.branches[index]!;
    const path = this.labels.has(object) ? undefined : this.listed(object)?.path;
    const step = path && /(?:\.[^.[\]()]+|\[[^[\]]*\])(?:\.__dict__)?$/.exec(path)?.[0];
    return step ? `${name} ${step}` : name;
  }

  /** Indices of the branches from the whole to one. */
  pathToBranch(index: number): number[] {
    const path = [index];
    while (path[0] !== 0) path.unshift(this.data.branches[path[0]!]![1]);
    return path;
  }
}

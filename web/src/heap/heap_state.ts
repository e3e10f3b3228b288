// What the reader looks at in the Heap views: view, object, type; and the dominator tree as lists of children.

import { signal } from "@preact/signals";
import type { HeapData, ListedObject } from "./heap_data";

export class HeapState {
  readonly view = signal("types");
  readonly object = signal<number | null>(null);
  readonly type = signal<string | null>(null);
  /** Objects that were looked at before, to go back to. */
  readonly before = signal<number[]>([]);
  /** Indices of branches by the index of their parent. */
  readonly children: number[][];
  readonly branchOf = new Map<number, number>();

  constructor(readonly data: HeapData) {
    this.children = data.branches.map(() => []);
    data.branches.forEach(([object, parent], index) => {
      if (index === 0) return;
      this.children[parent]?.push(index);
      this.branchOf.set(object, index);
    });
  }

  listed(object: number): ListedObject | undefined {
    return this.data.listed[object];
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

  /** What a branch is called: its type, and its text where that is known. */
  nameOfBranch(index: number): string {
    const [object, , , , , , type] = this.data.branches[index]!;
    if (object === 0) return "Everything";
    const root = this.data.roots.find(({ id }) => id === object);
    return root ? root.label : type;
  }
}

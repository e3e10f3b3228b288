// The Heap views: their tabs, and the one that is shown beside the object that is looked at.

import type { ComponentType } from "preact";
import { Compared } from "./compared";
import { Cycles } from "./cycles";
import type { HeapData } from "./heap_data";
import { HeapMap } from "./heap_map";
import type { HeapState } from "./heap_state";
import { ObjectPane } from "./object_pane";
import { Sites } from "./sites";
import { Suspects } from "./suspects";
import { Containment, DominatorTree } from "./trees";
import { Types } from "./types";

export interface HeapViewProps {
  state: HeapState;
}

interface HeapView {
  id: string;
  title: string;
  about: string;
  component: ComponentType<HeapViewProps>;
  available(data: HeapData): boolean;
}

const VIEWS: readonly HeapView[] = [
  {
    id: "types",
    title: "Types",
    about: "How many objects of each type there are, how large they are, and what they keep alive.",
    component: Types,
    available: () => true,
  },
  {
    id: "compared",
    title: "Comparison",
    about: "What each type gained and lost from the first snapshot to the second.",
    component: Compared,
    available: ({ comparison }) => comparison !== null,
  },
  {
    id: "suspects",
    title: "Suspects",
    about: "What looks like a leak or a waste, and why.",
    component: Suspects,
    available: () => true,
  },
  {
    id: "dominators",
    title: "Dominators",
    about: "Who holds what alone: all below an object would be freed with it.",
    component: DominatorTree,
    available: () => true,
  },
  {
    id: "map",
    title: "Treemap",
    about: "The dominator tree as areas as large as the retained bytes.",
    component: HeapMap,
    available: () => true,
  },
  {
    id: "cycles",
    title: "Cycles",
    about: "Objects that refer to each other in a circle, which only the collector frees.",
    component: Cycles,
    available: () => true,
  },
  {
    id: "roots",
    title: "Roots",
    about: "What modules, frames and the interpreter hold, reference by reference.",
    component: Containment,
    available: ({ roots }) => roots.length > 0,
  },
  {
    id: "sites",
    title: "Allocated at",
    about: "The lines that allocated what lives, and what that is now.",
    component: Sites,
    available: ({ sites }) => sites !== null,
  },
];

export const viewsOfHeap = ({ data }: HeapState) =>
  VIEWS.filter(({ available }) => available(data));

export function HeapTabs({ state }: HeapViewProps) {
  const views = viewsOfHeap(state);
  const chosen = Math.max(
    0,
    views.findIndex(({ id }) => id === state.view.value),
  );
  const step = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const next = views[(chosen + by + views.length) % views.length]!;
    state.view.value = next.id;
    document.getElementById(`heap-tab-${next.id}`)?.focus();
    event.preventDefault();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Heap views" onKeyDown={step}>
      {views.map(({ id, title, about }, index) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`heap-tab-${id}`}
          tabIndex={index === chosen ? 0 : -1}
          aria-selected={index === chosen}
          aria-controls="heap-view"
          title={about}
          onClick={() => {
            state.view.value = id;
          }}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

export function HeapViews({ state }: HeapViewProps) {
  const views = viewsOfHeap(state);
  const view = views.find(({ id }) => id === state.view.value) ?? views[0]!;
  const Shown = view.component;
  return (
    <>
      <section
        id="heap-view"
        role="tabpanel"
        aria-labelledby={`heap-tab-${view.id}`}
        class={`heap-${view.id}`}
      >
        <Shown state={state} />
      </section>
      <ObjectPane state={state} />
    </>
  );
}

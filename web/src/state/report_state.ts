// What the reader has chosen, and what follows from it: signals that every view shares. Views read and write
// these; nothing else is passed between them. What follows is computed when first read.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { readSources, type SourceFiles } from "../payload/sources";
import { type CallTree, MergedTree, WholeTree } from "../profile/call_tree";
import { type MetricId, metricOf, metricsFor } from "../profile/figures";
import {
  type Grouping,
  type GroupKind,
  type GroupTotals,
  groupingOf,
  groupTotals,
} from "../profile/grouping";
import { Names } from "../profile/names";
import type { Profile } from "../profile/profile";
import type { Question, TickRange } from "../profile/question";
import { type SiteValues, siteValues } from "../profile/site_values";
import { type Totals, totalsOf } from "../profile/totals";

/** A group of frames that all views point at. */
export interface Selection {
  kind: GroupKind;
  key: number;
}

export type Theme = "system" | "light" | "dark";

export class ReportState {
  readonly names: Names;

  // Chosen.
  readonly metric = signal<MetricId>("peak");
  readonly range = signal<TickRange | null>(null);
  readonly threads = signal<ReadonlySet<number> | null>(null);
  readonly selection = signal<Selection | null>(null);
  readonly search = signal("");
  readonly view = signal("flame");
  readonly theme = signal<Theme>("system");
  readonly help = signal(false);
  /** How the table groups its rows: a grouping of frames, or "site", "domain", "thread". */
  readonly tableBy = signal<GroupKind | "site" | "domain" | "thread">("function");
  readonly flameBy = signal<GroupKind>("line");
  readonly flameInverted = signal(false);

  // What follows.
  readonly question: ReadonlySignal<Question> = computed(() => ({
    metric: this.metric.value,
    range: this.range.value,
    threads: this.threads.value,
  }));
  readonly values: ReadonlySignal<SiteValues> = computed(() =>
    siteValues(this.profile, this.question.value),
  );
  readonly totals: ReadonlySignal<Totals> = computed(() =>
    totalsOf(this.profile, this.values.value),
  );
  /** The tree of the flame view, as it is grouped and turned. */
  readonly tree: ReadonlySignal<CallTree> = computed(() => {
    const by = this.flameBy.value;
    const totals = this.totals.value;
    if (this.flameInverted.value)
      return MergedTree.inverted(this.profile, totals, this.grouping(by));
    if (by === "line") return new WholeTree(this.profile, totals);
    return MergedTree.down(this.profile, totals, this.grouping(by));
  });
  /** Per frame, whether its function, file or module contains the search; null when nothing is searched. */
  readonly found: ReadonlySignal<Uint8Array | null> = computed(() => this.findFrames());

  private readonly groupings = new Map<GroupKind, Grouping>();
  private readonly sums = new Map<GroupKind, ReadonlySignal<GroupTotals>>();
  private sourceFiles: Promise<SourceFiles> | null = null;

  constructor(
    readonly profile: Profile,
    private readonly sourcesText: string,
  ) {
    this.names = new Names(profile);
  }

  grouping(kind: GroupKind): Grouping {
    let grouping = this.groupings.get(kind);
    if (!grouping) {
      grouping = groupingOf(this.profile, kind);
      this.groupings.set(kind, grouping);
    }
    return grouping;
  }

  /** Self and inclusive sums of each group, for the question asked. */
  groupTotals(kind: GroupKind): GroupTotals {
    let sums = this.sums.get(kind);
    if (!sums) {
      const grouping = this.grouping(kind);
      sums = computed(() => {
        const { self, inclusive } = this.totals.value;
        return groupTotals(this.profile, grouping, self, inclusive);
      });
      this.sums.set(kind, sums);
    }
    return sums.value;
  }

  /** The embedded sources by file index; inflated once. */
  sources(): Promise<SourceFiles> {
    this.sourceFiles ??= readSources(this.sourcesText).catch(() => new Map());
    return this.sourceFiles;
  }

  selectFrame(frame: number | null, kind: GroupKind = "line"): void {
    this.selection.value =
      frame === null ? null : { kind, key: this.grouping(kind).keyOfFrame[frame]! };
  }

  /** Whether the selection covers a frame. */
  isSelected(frame: number): boolean {
    const selection = this.selection.value;
    return selection !== null && this.grouping(selection.kind).keyOfFrame[frame] === selection.key;
  }

  /** A frame that stands for the selection. */
  selectedFrame(): number | null {
    const selection = this.selection.value;
    return selection && (this.grouping(selection.kind).exampleFrame[selection.key] ?? null);
  }

  metricInfo() {
    return metricOf(this.metric.value);
  }

  metrics() {
    return metricsFor(this.range.value !== null);
  }

  private findFrames(): Uint8Array | null {
    const wanted = this.search.value.trim().toLowerCase();
    if (wanted === "") return null;
    const { frames, files, strings } = this.profile;
    const contains = new Map<number, boolean>();
    const matches = (id: number) => {
      let known = contains.get(id);
      if (known === undefined) {
        known = strings.get(id).toLowerCase().includes(wanted);
        contains.set(id, known);
      }
      return known;
    };
    const found = new Uint8Array(frames.length);
    for (let frame = 0; frame < frames.length; frame++) {
      const file = frames.file[frame]!;
      if (
        matches(frames.function[frame]!) ||
        matches(files.name[file]!) ||
        matches(files.module[file]!) ||
        matches(files.distribution[file]!) ||
        this.names.place(frame).toLowerCase().includes(wanted)
      )
        found[frame] = 1;
    }
    return found;
  }
}

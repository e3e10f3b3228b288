// What the reader has chosen, and what follows from it: signals that every view shares. Views read and write
// these; nothing else is passed between them. What follows is computed when first read.

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Focus } from "../flame/layout";
import { HeapState } from "../heap/heap_state";
import { readSources, type SourceFiles } from "../payload/sources";
import {
  type CallTree,
  type Folding,
  foldingOf,
  MergedTree,
  WholeTree,
} from "../profile/call_tree";
import { type MetricId, metricInstead, metricOf, metricsFor } from "../profile/figures";
import {
  type Grouping,
  type GroupKind,
  type GroupTotals,
  groupingOf,
  groupTotals,
} from "../profile/grouping";
import { Names, NO_FRAME, shortFile } from "../profile/names";
import type { Profile } from "../profile/profile";
import type { Question, TickRange } from "../profile/question";
import { type SiteValues, siteValues } from "../profile/site_values";
import { type Totals, totalsOf } from "../profile/totals";
import { count, signed, size } from "../text/units";
import type { TableBy } from "../views/table/table_rows";

/** A group of frames that all views point at. */
export interface Selection {
  kind: GroupKind;
  key: number;
}

export type Theme = "system" | "light" | "dark";

export class ReportState {
  readonly names: Names;
  /** Of the Heap views, where the report has a snapshot. */
  readonly heap: HeapState | null;

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
  readonly tableBy = signal<TableBy>("line");
  readonly flameBy = signal<GroupKind>("line");
  readonly flameInverted = signal(false);
  /** Whether the flame's root lies at the bottom. */
  readonly flameUpward = signal(false);
  /** Whether the flame has the table under it. */
  readonly flameTable = signal(true);
  /** Whether a run of the import system's frames is one bar. */
  readonly foldImports = signal(true);
  readonly flameLabel = signal<"name" | "source">("name");
  private readonly zoomed = signal<{ of: CallTree; focus: Focus } | null>(null);

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
    if (by === "line")
      return new WholeTree(this.profile, totals, this.foldImports.value ? this.folding() : null);
    return MergedTree.down(this.profile, totals, this.grouping(by));
  });
  /** Whether the flame shows the call tree itself, whose nodes keep their numbers. */
  readonly treeIsWhole = computed(() => !this.flameInverted.value && this.flameBy.value === "line");
  /** What fills the flame's width: what was zoomed into, while the tree still has it. */
  readonly flameFocus: ReadonlySignal<Focus> = computed(() => {
    const zoomed = this.zoomed.value;
    const tree = this.tree.value;
    const stays =
      zoomed?.of === tree || (this.treeIsWhole.value && zoomed?.of instanceof WholeTree);
    if (!zoomed || !stays || !(tree.weight(zoomed.focus.node) > 0))
      return { node: tree.root, from: -1 };
    const { node, from } = zoomed.focus;
    return { node, from: from < tree.children(node).length ? from : -1 };
  });
  /** Per frame, whether its function, file or module contains the search; null when nothing is searched. */
  readonly found: ReadonlySignal<Uint8Array | null> = computed(() => this.findFrames());

  private importFolding: Folding | null = null;
  private readonly groupings = new Map<GroupKind, Grouping>();
  private readonly sums = new Map<GroupKind, ReadonlySignal<GroupTotals>>();
  /** The embedded sources by file index; null until they are read, soon after the first picture. */
  readonly sourceFiles = signal<SourceFiles | null>(null);
  private readingSources = false;

  constructor(
    readonly profile: Profile,
    private readonly sourcesText: string,
  ) {
    this.names = new Names(profile);
    this.heap = profile.heap && new HeapState(profile.heap);
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

  /** Reads the embedded sources, once, into `sourceFiles`. */
  async readSources(): Promise<void> {
    if (this.readingSources) return;
    this.readingSources = true;
    this.sourceFiles.value = await readSources(this.sourcesText).catch(() => new Map());
  }

  selectFrame(frame: number | null, kind: GroupKind = "line"): void {
    this.selection.value =
      frame === null ? null : { kind, key: this.grouping(kind).keyOfFrame[frame]! };
  }

  /** Whether a frame is drawn as part of a run. */
  isFolded(frame: number): boolean {
    return (
      frame !== 0 &&
      this.foldImports.value &&
      this.treeIsWhole.value &&
      this.names.ownerOfFrame(frame) === "import"
    );
  }

  private folding(): Folding {
    this.importFolding ??= foldingOf(this.profile, "import");
    return this.importFolding;
  }

  zoom(focus: Focus): void {
    this.zoomed.value = { of: this.tree.value, focus };
  }

  /** Asks about a range of ticks, or (null) about the whole run again. */
  setRange(range: TickRange | null): void {
    batch(() => {
      this.range.value = range;
      this.metric.value = metricInstead(this.metric.value, range !== null);
    });
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

  get isDiff(): boolean {
    return this.profile.manifest.kind === "diff";
  }

  /** A value of the metric, with its sign in a comparison. */
  format(value: number): string {
    const text = this.metricInfo().unit === "bytes" ? size(value) : count(value);
    return this.isDiff ? signed(text, value) : text;
  }

  /** What a bar calls a frame of a group, and its place, where that is not the name. */
  label(frame: number, by: GroupKind): [name: string, place: string] {
    if (frame === 0) return [NO_FRAME, ""];
    if (by === "line") {
      const source = this.flameLabel.value === "source" ? this.sourceLine(frame) : null;
      return [source ?? this.names.function(frame), this.names.place(frame)];
    }
    const grouping = this.grouping(by);
    const place = by === "function" ? shortFile(this.names.fileOfFrame(frame)) : "";
    return [this.names.group(grouping, grouping.keyOfFrame[frame]!), place];
  }

  /** The text of a frame's line where its file is embedded, and was read. */
  sourceLine(frame: number): string | null {
    const { frames } = this.profile;
    const source = this.sourceFiles.value?.get(frames.file[frame]!);
    const line = source?.lines[frames.line[frame]! - source.first_line];
    return (
      line
        ?.filter((_, piece) => piece % 2 === 0)
        .join("")
        .trim() || null
    );
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

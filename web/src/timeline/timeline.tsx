// Memory over time; dragging over it asks everything below about that range.
//
// Spans lie in rows above the curves, marks are lines; a click asks about the time of one.
//
// Keys: Left and Right move the range, with Shift they move its end; Escape lifts it.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Ticks } from "../profile/profile";
import type { TickRange } from "../profile/question";
import type { ReportState } from "../state/report_state";
import { duration, size } from "../text/units";
import { Name } from "../widgets/name";
import { useSize } from "../widgets/use_size";
import { useThemeVersion } from "../widgets/use_theme_version";
import { EventList, sayEvent } from "./event_list";
import { type Bar, eventAt, eventRows, ROW_HEIGHT, wordsOf } from "./event_rows";
import { drawEvents, drawPeaks } from "./events";
import { timelineData } from "./series";

const HEIGHT = 132;
const FONT = '11px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
const POWERS = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** The ticks that touch a range of time. */
export function ticksBetween({ end_s, length }: Ticks, from: number, to: number): TickRange | null {
  if (length === 0) return null;
  let first = 0;
  while (first < length - 1 && end_s[first]! <= from) first++;
  let last = first;
  while (last < length - 1 && end_s[last]! < to) last++;
  return { first, last };
}

export function beginOf({ end_s }: Ticks, { first }: TickRange): number {
  return first > 0 ? end_s[first - 1]! : 0;
}

export function Timeline({ state }: { state: ReportState }) {
  const { profile } = state;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { width } = useSize(box);
  const themeVersion = useThemeVersion(state);
  const [at, setAt] = useState<number | null>(null);
  const [pointed, setPointed] = useState<Bar | null>(null);
  const selection = state.selection.value;
  const data = useMemo(() => timelineData(state), [state, selection]);
  const range = state.range.value;
  const brushed = profile.changes !== null;
  const rows = useMemo(
    () => eventRows(profile.manifest.events, profile.manifest.summary.duration_s),
    [profile],
  );
  const height = HEIGHT + rows.rows * ROW_HEIGHT;
  const choose = ({ begin_s, end_s }: Bar) => {
    if (brushed) state.setRange(ticksBetween(profile.ticks, begin_s, end_s));
  };

  useLayoutEffect(() => {
    const target = box.current;
    if (!target || width === 0 || data.aligned[0].length === 0) return;
    const style = getComputedStyle(target);
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
    const { manifest, ticks } = profile;
    let dragging = false;
    let due = 0;
    const eventUnder = (u: uPlot): Bar | null => {
      const { left, top } = u.cursor;
      if (left === undefined || top === undefined || left < 0) return null;
      const reach = u.posToVal(left + 4, "x") - u.posToVal(left, "x");
      return eventAt(rows, u.posToVal(left, "x"), Math.floor(top / ROW_HEIGHT), reach);
    };
    const brush = (u: uPlot) => {
      if (u.select.width < 2) return;
      const range = ticksBetween(
        ticks,
        u.posToVal(u.select.left, "x"),
        u.posToVal(u.select.left + u.select.width, "x"),
      );
      const now = state.range.value;
      if (range && (range.first !== now?.first || range.last !== now.last)) state.setRange(range);
    };
    const axis = {
      stroke: colour("muted"),
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
      font: FONT,
    };
    const colours = {
      text: colour("text"),
      muted: colour("muted"),
      paper: colour("paper"),
      span: colour("span"),
      mark: colour("mark"),
    };
    // Rows of spans lie above the curves.
    const headroom = (1.1 * height) / (height - rows.rows * ROW_HEIGHT);
    const pixelFont = FONT.replace("11px", `${11 * (devicePixelRatio || 1)}px`);
    const u = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        padding: [6, 24, 0, 0],
        scales: {
          x: { time: false, range: (_, low, high) => [Math.min(0, low), Math.max(high, 1e-3)] },
          y: { range: (_, _low, high) => [0, Math.max(high, 1) * headroom] },
        },
        cursor: {
          y: false,
          drag: { x: brushed, y: false, setScale: false },
          points: { size: 6 },
        },
        series: [
          {},
          ...data.series.map((entry) => ({
            label: entry.label,
            stroke: colour(`line-${entry.colour}`),
            width: entry.width,
            dash: entry.dash,
            spanGaps: true,
            points: { show: data.aligned[0].length < 3 },
            ...(entry.filled ? { fill: colour(`area-${entry.colour}`) } : {}),
          })),
        ],
        axes: [
          {
            ...axis,
            size: 24,
            space: 90,
            values: (_, values) => values.map((value) => (value === 0 ? "0" : duration(value))),
          },
          {
            ...axis,
            size: 66,
            incrs: POWERS,
            space: 28,
            values: (_, values) => values.map((value) => (value === 0 ? "0" : size(value))),
          },
        ],
        hooks: {
          ready: [() => show.current()],
          setCursor: [
            (u) => {
              setAt(u.cursor.idx ?? null);
              setPointed(eventUnder(u));
              if (dragging && due === 0)
                due = requestAnimationFrame(() => {
                  due = 0;
                  if (dragging) brush(u);
                });
            },
          ],
          setSelect: [brush],
          draw: [
            (u) => {
              drawEvents(u, rows, colours, pixelFont);
              const [peak] = manifest.peaks;
              if (peak && !state.isDiff)
                drawPeaks(u, manifest.peaks, `peak ${size(peak.bytes)}`, colours, pixelFont);
            },
          ],
        },
      },
      data.aligned,
      target,
    );
    let pressed = 0;
    u.over.addEventListener("mousedown", ({ clientX }) => {
      dragging = brushed;
      pressed = clientX;
    });
    u.over.addEventListener("click", ({ clientX }) => {
      const found = Math.abs(clientX - pressed) < 3 ? eventUnder(u) : null;
      if (found) choose(found);
    });
    const release = () => {
      dragging = false;
    };
    window.addEventListener("mouseup", release);
    u.over.addEventListener("dblclick", () => state.setRange(null));
    plot.current = u;
    return () => {
      cancelAnimationFrame(due);
      window.removeEventListener("mouseup", release);
      u.destroy();
      plot.current = null;
    };
  }, [data, width, themeVersion]);

  const showRange = () => {
    const u = plot.current;
    if (!u) return;
    if (!range) {
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      return;
    }
    const left = u.valToPos(beginOf(profile.ticks, range), "x");
    const right = u.valToPos(profile.ticks.end_s[range.last]!, "x");
    const height = u.bbox.height / (devicePixelRatio || 1);
    u.setSelect({ left, top: 0, width: right - left, height }, false);
  };
  const show = useRef(showRange);
  show.current = showRange;
  useLayoutEffect(showRange, [range]);

  const press = (event: KeyboardEvent) => {
    const next = moved(event, range, profile.ticks, profile.manifest.summary.peak_at_s);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    state.setRange(next);
  };

  if (data.aligned[0].length === 0) return null;
  return (
    <section class="timeline" aria-label="Memory over time">
      <ul class="legend">
        {data.series.map(({ id, label, colour, dash, filled }, index) => (
          <li key={id}>
            <svg width="18" height="10" aria-hidden="true">
              {filled && <rect width="18" height="10" style={{ fill: `var(--area-${colour})` }} />}
              <line
                x1="0"
                x2="18"
                y1="5"
                y2="5"
                style={{
                  stroke: `var(--line-${colour})`,
                  strokeWidth: "2",
                  strokeDasharray: dash.join(" "),
                }}
              />
            </svg>{" "}
            {label}
            {at !== null && <b>{size(data.aligned[index + 1]?.[at])}</b>}
          </li>
        ))}
        {at !== null && <li class="muted">at {duration(data.aligned[0][at])}</li>}
        {at !== null && pointed && (
          <li>
            <Name text={wordsOf(pointed.event)} /> <span class="muted">{sayEvent(pointed)}</span>
          </li>
        )}
        {brushed && at === null && !range && (
          <li class="muted hint">drag to ask about a range of time</li>
        )}
      </ul>
      <EventList rows={rows} choose={choose} />
      <div
        ref={box}
        class="plot"
        style={{ height: `${height}px` }}
        tabIndex={brushed ? 0 : -1}
        role="group"
        aria-label={
          brushed ? "Range of time: arrow keys move it, Escape lifts it" : "Memory over time"
        }
        onKeyDown={brushed ? press : undefined}
      />
    </section>
  );
}

/** The range after a key; undefined when the key is not of the timeline. */
export function moved(
  {
    key,
    shiftKey,
    ctrlKey,
    metaKey,
    altKey,
  }: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">,
  range: TickRange | null,
  ticks: Ticks,
  peak_at_s: number | null,
): TickRange | null | undefined {
  if (ctrlKey || metaKey || altKey) return undefined;
  if (key === "Escape") return range ? null : undefined;
  if (key !== "ArrowLeft" && key !== "ArrowRight") return undefined;
  const by = key === "ArrowLeft" ? -1 : 1;
  if (!range) {
    const peak = ticksBetween(ticks, peak_at_s ?? 0, peak_at_s ?? 0);
    return peak && { first: peak.first, last: peak.first };
  }
  const inside = (tick: number) => Math.min(ticks.length - 1, Math.max(0, tick));
  if (shiftKey) return { first: range.first, last: Math.max(range.first, inside(range.last + by)) };
  if (inside(range.first + by) !== range.first + by || inside(range.last + by) !== range.last + by)
    return range;
  return { first: range.first + by, last: range.last + by };
}

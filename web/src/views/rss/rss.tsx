// What resident memory is made of: over time, and as a ledger whose rows sum to what the kernel counts.

import { useMemo, useRef, useState } from "preact/hooks";
import type { RssLedger, RssOverTime } from "../../payload/manifest";
import { duration, size } from "../../text/units";
import { BarCell } from "../../widgets/bar_cell";
import { useSize } from "../../widgets/use_size";
import type { ViewProps } from "../registry";
import { gridOf, type Layer, layerPath, layersOf, nearest } from "./stack";
import "../../widgets/plain.css";
import "./rss.css";

/** A moment of the ledger: the highest, or one that was chosen in the picture. */
interface Moment {
  title: string;
  rss_bytes: number | null;
  rows: { part: string; bytes: number | null; absent_bytes?: number | null }[];
}

export function Rss({ state }: ViewProps) {
  const { rss, rss_over_time: overTime } = state.profile.manifest;
  const [chosen, setChosen] = useState<number | null>(null);
  const moment = chosen !== null && overTime ? momentAt(overTime, chosen) : momentOf(rss!);
  const order = (overTime?.parts ?? rss!.rows).map(({ part }) => part);
  return (
    <div class="rss">
      {rss?.advice && <p class="rss-advice">{rss.advice}</p>}
      {overTime && overTime.time_s.length > 1 && (
        <Picture overTime={overTime} order={order} chosen={chosen} onChoose={setChosen} />
      )}
      <div class="toolbar">
        <h2>{moment.title}</h2>
        {chosen !== null && (
          <button type="button" class="plain-button" onClick={() => setChosen(null)}>
            Back to the highest
          </button>
        )}
      </div>
      <Ledger moment={moment} order={order} />
      <p class="muted">
        The rows sum to what the kernel counts as resident (RSS). Absent is of the same memory what
        is not resident: never written, or given back.
      </p>
    </div>
  );
}

export function momentOf({ at_s, rss_bytes, unexplained_bytes, rows }: RssLedger): Moment {
  return {
    title: `${size(rss_bytes)} resident at ${duration(at_s)}`,
    rss_bytes,
    rows: [...rows, { part: "unexplained", bytes: unexplained_bytes }],
  };
}

export function momentAt({ time_s, parts }: RssOverTime, index: number): Moment {
  const rows = parts.map(({ part, bytes }) => ({ part, bytes: bytes[index] ?? null }));
  const rss_bytes = rows.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  return {
    title: `${size(rss_bytes)} resident at ${duration(time_s[index])}`,
    rss_bytes,
    rows,
  };
}

function Ledger({ moment, order }: { moment: Moment; order: readonly string[] }) {
  const whole = moment.rss_bytes ?? 0;
  const hasAbsent = moment.rows.some(({ absent_bytes }) => (absent_bytes ?? 0) > 0);
  const rows = moment.rows.filter(
    ({ bytes, absent_bytes, part }) => bytes !== 0 || absent_bytes || part === "unexplained",
  );
  return (
    <table class="plain-table rss-table">
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col" class="numeric">
            Resident
          </th>
          {hasAbsent && (
            <th scope="col" class="numeric">
              Absent
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ part, bytes, absent_bytes }) => (
          <tr key={part}>
            <th scope="row">
              <i class="swatch" style={{ background: colourOf(part, order) }} aria-hidden="true" />{" "}
              {part}
            </th>
            <td class="numeric">
              {bytes === null ? (
                "unknown"
              ) : (
                <BarCell value={bytes} whole={whole} text={size(bytes)} look="self" />
              )}
            </td>
            {hasAbsent && <td class="numeric">{absent_bytes ? size(absent_bytes) : ""}</td>}
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">RSS</th>
          <td class="numeric">{size(moment.rss_bytes)}</td>
          {hasAbsent && <td />}
        </tr>
      </tfoot>
    </table>
  );
}

/** A part's colour by its place among all parts: neighbours differ much, picture and table agree. */
export function colourOf(part: string, order: readonly string[]): string {
  if (part === "unexplained") return "var(--muted)";
  const hue = (205 + 137.5 * Math.max(0, order.indexOf(part))) % 360;
  return `hsl(${hue} 45% 58%)`;
}

function Picture({
  overTime,
  order,
  chosen,
  onChoose,
}: {
  overTime: RssOverTime;
  order: readonly string[];
  chosen: number | null;
  onChoose(index: number | null): void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const layers = useMemo(() => layersOf(overTime), [overTime]);
  const { time_s } = overTime;
  const end_s = time_s.at(-1)!;
  const tops = layers.at(-1)?.top ?? [];
  const highest = tops.reduce((most, each) => Math.max(most, each), 0);
  const floor = new Array<number>(time_s.length).fill(0);
  const choose = (event: PointerEvent) => {
    const bounds = box.current!.getBoundingClientRect();
    onChoose(nearest(time_s, ((event.clientX - bounds.left) / bounds.width) * end_s));
  };
  const press = (event: KeyboardEvent) => {
    const last = time_s.length - 1;
    const at = chosen ?? tops.indexOf(highest);
    const keys: Record<string, number | null> = {
      ArrowLeft: Math.max(0, at - 1),
      ArrowRight: Math.min(last, at + 1),
      PageUp: Math.max(0, at - 10),
      PageDown: Math.min(last, at + 10),
      Home: 0,
      End: last,
      Escape: null,
    };
    const next = keys[event.key];
    if (next === undefined || (next === null && chosen === null)) return;
    onChoose(next);
    event.preventDefault();
    event.stopPropagation();
  };
  const at = chosen ?? tops.indexOf(highest);
  return (
    <div
      class="rss-picture"
      ref={box}
      role="slider"
      tabIndex={0}
      aria-label="Moment of the ledger"
      aria-valuemin={0}
      aria-valuemax={time_s.length - 1}
      aria-valuenow={at}
      aria-valuetext={`${duration(time_s[at])}: ${size(tops[at])} resident`}
      onKeyDown={press}
      onPointerDown={choose}
      onPointerMove={(event) => event.buttons & 1 && choose(event)}
    >
      <svg width={width} height={height} aria-hidden="true">
        {layers.map((layer, index) => (
          <path
            key={layer.part}
            style={{ fill: colourOf(layer.part, order) }}
            d={layerPath(
              time_s,
              layer.top,
              layers[index - 1]?.top ?? floor,
              end_s,
              highest,
              width,
              height,
            )}
          >
            <title>{sayLayer(layer)}</title>
          </path>
        ))}
        {gridOf(highest).map((bytes) => {
          const y = height - (height * bytes) / highest;
          return (
            <g key={bytes} class="rss-grid">
              <line x1={0} x2={width} y1={y} y2={y} />
              <text x={4} y={y - 3}>
                {size(bytes)}
              </text>
            </g>
          );
        })}
        {[0, 0.25, 0.5, 0.75].map((part) => (
          <text key={part} class="rss-time" x={width * part + 3} y={height - 4}>
            {duration(end_s * part)}
          </text>
        ))}
        <line
          class="rss-cursor"
          x1={(width * (time_s[at] ?? 0)) / end_s}
          x2={(width * (time_s[at] ?? 0)) / end_s}
          y1={0}
          y2={height}
        />
      </svg>
    </div>
  );
}

function sayLayer({ part, largest }: Layer): string {
  return `${part}: at most ${size(largest)}`;
}

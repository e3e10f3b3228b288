// Marks and spans as a list: for the keyboard, and for what lies too close on the timeline.

import { duration, size } from "../text/units";
import { Name } from "../widgets/name";
import { type Bar, type EventRows, isMark, wordsOf } from "./event_rows";

const MOST = 500;

/** "0.8 s to 2.9 s, heap 12.0 MiB to 3.00 MiB" */
export function sayEvent({ event, begin_s, end_s }: Bar): string {
  const heap = [event.begin_live_bytes, event.end_live_bytes].filter(
    (bytes): bytes is number => bytes !== null && bytes !== undefined,
  );
  const held =
    heap.length > 0
      ? `, heap ${heap
          .slice(0, isMark(event) ? 1 : 2)
          .map(size)
          .join(" to ")}`
      : "";
  const when =
    end_s > begin_s || !isMark(event)
      ? `${duration(begin_s)} to ${event.end_s === null ? "the end" : duration(end_s)}`
      : `at ${duration(begin_s)}`;
  return `${when}${held}`;
}

const counted = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;

export function EventList({ rows, choose }: { rows: EventRows; choose: (bar: Bar) => void }) {
  const all = [...rows.marks, ...rows.bars].sort((a, b) => a.begin_s - b.begin_s);
  if (all.length === 0) return null;
  const words = [
    rows.marks.length > 0 && counted(rows.marks.length, "mark"),
    rows.bars.length > 0 && counted(rows.bars.length, "span"),
    rows.hidden > 0 && `${rows.hidden} deeper`,
  ].filter(Boolean);
  return (
    <details
      class="event-list"
      onKeyDown={(press) => {
        if (press.key !== "Escape") return;
        press.currentTarget.open = false;
        press.stopPropagation();
      }}
    >
      <summary>{words.join(", ")}</summary>
      <ol>
        {all.slice(0, MOST).map((bar, index) => (
          <li key={index}>
            <button
              type="button"
              onClick={(click) => {
                choose(bar);
                const list = click.currentTarget.closest("details");
                if (list) list.open = false;
              }}
            >
              <Name text={wordsOf(bar.event)} /> <span class="muted">{sayEvent(bar)}</span>
            </button>
          </li>
        ))}
        {all.length > MOST && <li class="muted">and {all.length - MOST} later ones</li>}
      </ol>
    </details>
  );
}

"""``heapscope summary``: the peak, who holds it, and what the figures rest on."""

from __future__ import annotations

import json
import shlex
import textwrap
from pathlib import PurePath

from heapscope.cli import output, places, reading, units
from heapscope.cli.call_tree import program_lines
from heapscope.cli.fitting import fit, fit_end, printable
from heapscope.cli.options import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rich.console import Console

    Document = dict[str, Any]

_EXAMPLE = """\
  heapscope summary work.hscope
  heapscope summary work.hscope --json | jq .peak_bytes"""
_TOP = 5
_LEAST_ROOM = 20
_MOST_COMMAND = 300  # letters: five lines of a terminal
_GAPS = {
    "unwalkable_stacks": "without a stack",
    "folded_stacks": "counted at a caller",
    "reentrant_events": "in signal handlers left out",
    "frees_of_unknown": "blocks freed that were older",
    "skipped_slots": "functions of another allocator left alone",
}
_DETAIL = 0.0005  # share of the peak below which a call is counted at its caller


def run(arguments: list[str]) -> int:
    """Print the summary; `arguments` are those after the verb."""
    parser = Parser("summary", "The peak of a capture, in a screenful.", _EXAMPLE)
    options = parser.parse_args(arguments)
    capture = reading.open_capture(options.capture)
    document = capture.summary()
    output.prepare_stdout()
    if options.json:
        output.write_json(document)
    else:
        own = program_lines(capture.tree(threshold=_DETAIL, all_frames=False))
        console = output.make_console(options.no_color)
        _print(console, document, own)
        output.hint(
            console,
            options.quiet,
            options.capture,
            ("tree {}", "who called these lines"),
            ("top {}", "look around, full screen"),
        )
    return reading.remark(capture, options.capture, options.quiet)


def _print(console: Console, document: Document, own: list[Document]) -> None:
    from rich.text import Text

    console.print(Text(headline(document, own, console.width), style="bold"), soft_wrap=True)
    console.print()
    figures = list(_figures(document))
    width = max(len(name) for name, _ in figures)
    for name, value in figures:
        room = max(console.width - width - 2, _LEAST_ROOM)
        parts = textwrap.wrap(value, room, break_long_words=False, break_on_hyphens=False)
        for index, part in enumerate(parts):
            line = Text(f"{'' if index else name:{width}}  ", style="dim")
            line.append(part, style="none")
            console.print(line, soft_wrap=True)
    peak = document["peak_bytes"]
    rows = document["top"][:_TOP]
    heavy = [row for row in rows if row["peak_bytes"] >= peak / 100]
    if own and not all(row["owner"] == "program" for row in heavy):
        _print_lines(console, "line of the program", own[:_TOP], "bytes", peak)
    if rows:
        _print_lines(console, "line that allocates", rows, "peak_bytes", peak)


def _print_lines(console: Console, header: str, rows: list[Document], key: str, peak: int) -> None:
    console.print()
    output.print_rows(
        console,
        ["at peak", "share", header],
        [
            ((units.size(row[key]), units.share(row[key], peak)), places.label_maker(row))
            for row in rows
        ],
    )


def headline(document: Document, own: list[Document], width: int = 80) -> str:
    """Say the peak in one sentence: how much, when, and whose line holds most of it.

    Parameters
    ----------
    document : dict
        The summary.
    own : list of dict
        The program's own lines by what they led to; empty where the program is all library, and
        the line that allocated most is named.
    width : int
        Cells of the terminal: what names take of it is bounded, what figures take is not.
    """
    peak = document["peak_bytes"]
    sentence = f"Peak {units.size(peak)}"
    if document["peak_at_s"] is not None:
        sentence += f" at {units.duration(document['peak_at_s'])}"
    heaviest = [(row, row["bytes"]) for row in own[:1]]
    heaviest += [(row, row["peak_bytes"]) for row in document["top"][:1]]
    if not heaviest or not max(held for _, held in heaviest):
        return sentence
    # More than any line of the program led to: a library's own thread, say.
    row, held = max(heaviest, key=lambda pair: pair[1])
    room = max(width - 20, 40)
    where = fit(places.place(row["file"], row["line"]), room)
    callee = row.get("callee")
    sentence += f"; {units.share(held, peak)} from "
    if callee is not None and 2 * callee["bytes"] > held:
        link = " at" if callee["function"] == "<module>" else ", called at"
        left = max(width, 80) - len(sentence) - len(link) - len(where) - 1
        names = [places.dotted(callee), places.call(callee["function"])]
        if callee["function"] != "<module>":
            names.insert(1, f"{places.package(callee['file'])}…{names[1]}")
        fitting = [name for name in names if len(name) <= left]
        return sentence + f"{fit((fitting or names[-2:])[0], room)}{link} {where}"
    function = places.function_of(row)
    return sentence + (f"{fit(places.call(function), room)} at {where}" if function else where)


def _figures(document: Document) -> list[tuple[str, str]]:
    return [
        ("command", _command(document)),
        ("ran", _ran(document)),
        ("peak", _peak(document)),
        ("live at the end", units.size(document["live_bytes_at_end"])),
        ("allocated", _allocated(document)),
        ("temporary", _temporary(document)),
        ("coverage", _coverage(document)),
        ("own cost", _own_cost(document)),
    ]


def _allocated(document: Document) -> str:
    allocated = units.size(document["allocated_bytes"])
    allocations = units.count(document["allocations"])
    return f"{allocated} in {allocations} allocations at {units.count(document['sites'])} sites"


def _command(document: Document) -> str:
    command = document.get("command")
    if isinstance(command, str):
        try:
            command = json.loads(command)
        except ValueError:
            return fit_end(command, _MOST_COMMAND)
    if not isinstance(command, list) or not command:
        return "unknown"
    first, *rest = [str(part) for part in command]
    return fit_end(printable(shlex.join([PurePath(first).name or first, *rest])), _MOST_COMMAND)


def _ran(document: Document) -> str:
    parts = []
    if document.get("duration_s") is not None:
        parts.append(units.duration(document["duration_s"]))
    status = document.get("exit_status")
    if status is not None:
        parts.append(f"exit code {status}" if status >= 0 else f"ended by signal {-status}")
    if isinstance(document.get("snapshot_at_bytes"), int):
        parts.append(f"snapshot at {units.size(document['snapshot_at_bytes'])}")
    if document.get("python_version"):
        parts.append(f"Python {fit_end(document['python_version'], 20)}")
    threads = document.get("threads") or 0
    parts.append(f"{units.count(threads)} thread{'' if threads == 1 else 's'}")
    return ", ".join(parts)


def _peak(document: Document) -> str:
    python, native = document["python_peak_bytes"], document["native_peak_bytes"]
    text = units.size(document["peak_bytes"])
    text += f": Python {units.size(python)}, native {units.size(native)}"
    if document.get("peak_rss_bytes"):
        text += f"; RSS up to {units.size(document['peak_rss_bytes'])}"
    return text


def _temporary(document: Document) -> str:
    part = units.share(document["temporary_allocations"], document["allocations"])
    return f"{units.size(document['temporary_bytes'])}, {part} of the allocations"


def _coverage(document: Document) -> str:
    tracker = document["tracker"]
    lost = tracker["events_lost"]
    parts = [f"{units.count(lost)} events lost" if lost else "every event recorded"]
    if tracker.get("disk_full"):
        parts.append("the disk was full")
    if tracker.get("out_of_memory"):
        parts.append("no memory for the tracker")
    for key, what in _GAPS.items():
        if tracker.get(key):
            parts.append(f"{units.count(tracker[key])} {what}")
    if tracker.get("domain_gaps"):
        parts.append(f"displaced for a while: {', '.join(map(str, tracker['domain_gaps']))}")
    return "; ".join(parts)


def _own_cost(document: Document) -> str:
    tracker = document["tracker"]
    parts = []
    if tracker.get("bytes") is not None:
        parts.append(f"{units.size(tracker['bytes'])} of the RSS")
    if tracker.get("cpu_s") is not None:
        parts.append(f"about {units.duration(tracker['cpu_s'])} of CPU (estimated)")
    return ", ".join(parts) or "unknown"

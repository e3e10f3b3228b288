"""``heapscope summary``: the peak, who holds it, and what the figures rest on."""

from __future__ import annotations

import json
import shlex
import textwrap
from pathlib import PurePath

from heapscope.cli import output, places, reading, units
from heapscope.cli.call_tree import program_lines, without_import_machinery
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
        tree = capture.tree(threshold=_DETAIL)
        own = program_lines(without_import_machinery(tree))
        _print(output.make_console(options.no_color), document, own, options.capture)
    return reading.remark(capture, options.capture, options.quiet)


def _print(console: Console, document: Document, own: list[Document], path: str) -> None:
    from rich.text import Text

    console.print(Text(headline(document, own), style="bold"), soft_wrap=True)
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
    if own and not all(places.is_program(row["file"]) for row in heavy):
        _print_lines(console, "line of the program", own[:_TOP], "bytes", peak)
    if rows:
        _print_lines(console, "line that allocates", rows, "peak_bytes", peak)
    console.print()
    quoted = shlex.quote(path)
    console.print(Text(f"next: heapscope tree {quoted}    who called these lines"), soft_wrap=True)
    console.print(
        Text(f"      heapscope table {quoted} --group-by function|file|module|…"), soft_wrap=True
    )


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


def headline(document: Document, own: list[Document]) -> str:
    """Say the peak in one sentence: how much, when, and whose line holds most of it.

    Parameters
    ----------
    document : dict
        The summary.
    own : list of dict
        The program's own lines by what they led to; empty where the program is all library, and
        the line that allocated most is named.
    """
    peak = document["peak_bytes"]
    sentence = f"Peak {units.size(peak)}"
    if document["peak_at_s"] is not None:
        sentence += f" at {units.duration(document['peak_at_s'])}"
    heaviest = [(row, row["bytes"]) for row in own[:1]]
    heaviest += [(row, row["peak_bytes"]) for row in document["top"][:1]]
    if not heaviest or not heaviest[0][1]:
        return sentence
    row, held = heaviest[0]
    where = places.place(row["file"], row["line"])
    return f"{sentence}; {units.share(held, peak)} from {places.call(row['function'])} at {where}"


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
            return command
    if not command:
        return "unknown"
    first, *rest = [str(part) for part in command]
    return shlex.join([PurePath(first).name or first, *rest])


def _ran(document: Document) -> str:
    parts = []
    if document.get("duration_s") is not None:
        parts.append(units.duration(document["duration_s"]))
    status = document.get("exit_status")
    if status is not None:
        parts.append(f"exit code {status}" if status >= 0 else f"ended by signal {-status}")
    if document.get("python_version"):
        parts.append(f"Python {document['python_version']}")
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
        parts.append(units.size(tracker["bytes"]))
    if tracker.get("cpu_s") is not None:
        parts.append(f"about {units.duration(tracker['cpu_s'])} of CPU (estimated)")
    return ", ".join(parts) + "; not in the figures above"

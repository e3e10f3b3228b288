"""``heapscope rss``: what resident memory is made of, at one instant."""

from __future__ import annotations

import argparse
import textwrap

from heapscope.cli import output, reading, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Document = dict[str, Any]

_EXAMPLE = """\
  heapscope rss work.hscope
  heapscope rss work.hscope --at PEAK
  heapscope rss work.hscope --at 2.5 --json"""
_OLD = 10.0  # seconds from which the age of the kernel's figures is told
_WHAT = {
    "live Python objects": "blocks that Python asked for",
    "live native blocks": "malloc's, and Python's raw ones",
    "rounding of blocks": "what allocators add to live blocks",
    "older than tracking": "in use since before",
    "pymalloc slack": "kept in arenas, in no block",
    "malloc slack": "kept in malloc's heaps, in no block",
    "anonymous mappings": "mapped by the program (mmap)",
    "interpreter stacks": "frames of Python code",
    "thread stacks": "C stacks, the main thread's too",
    "mapped files, written": "data of libraries that was changed",
    "mapped files": "code and data as on disk, shared",
    "heapscope": "the tracker and its capture",
    "unexplained": "",
}


def run(arguments: list[str]) -> int:
    """Print the ledger; `arguments` are those after the verb."""
    parser = Parser("rss", "What resident memory (RSS) is made of.", _EXAMPLE)
    parser.add_argument(
        "--at",
        type=_moment,
        metavar="PEAK|SECONDS",
        help="when the heap was at its peak, or so many seconds after the start; "
        "when RSS was highest (default)",
    )
    options = parser.parse_args(arguments)
    capture = reading.open_capture(options.capture)
    document = capture.rss(options.at)
    if document["rss_bytes"] is None:
        raise CommandError(f"RSS was never sampled in {options.capture!r}")
    output.prepare_stdout()
    if options.json:
        output.write_json(document)
    else:
        _print(output.make_console(options.no_color), document)
    return reading.remark(capture, options.capture, options.quiet)


def _moment(text: str) -> str | float:
    if text.lower() == "peak":
        return "peak"
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"neither PEAK nor seconds: {text!r}")
    return seconds


def _print(console: Console, document: Document) -> None:
    from rich.text import Text

    total = document["rss_bytes"]
    for line in textwrap.wrap(headline(document), max(console.width, 20)):
        console.print(Text(line, style="bold"), soft_wrap=True)
    console.print()
    rows = sorted(document["rows"], key=lambda row: -row["bytes"])
    told = total // 100  # less than that is not resident of every heap
    rows = [row for row in rows if row["bytes"] or row["absent_bytes"] >= told]
    rows.append({"part": "unexplained", "bytes": document["unexplained_bytes"], "absent_bytes": 0})
    output.print_rows(
        console,
        ["resident", "share", "part"],
        [
            ((units.size(row["bytes"]), units.share(row["bytes"], total)), _label(row, told))
            for row in rows
        ]
        + [((units.size(total), "100 %"), lambda _: Text("RSS"))],
    )
    for remark in remarks(document):
        console.print()
        for line in textwrap.wrap(remark, max(console.width, 20)):
            console.print(Text(line), soft_wrap=True)


def _label(row: Document, told: int) -> Any:
    def make(width: int) -> Text:
        from rich.text import Text

        label = Text(row["part"])
        what = _WHAT.get(row["part"], "")
        if row["absent_bytes"] >= max(told, 1):
            absent = f"{units.size(row['absent_bytes'])} more not resident"
            what = f"{what}; {absent}" if what else absent
        column = max(map(len, _WHAT)) + 2
        for index, line in enumerate(textwrap.wrap(what, max(width - column, 12))):
            label.append("\n" + " " * column if index else " " * (column - len(row["part"])))
            label.append(line, style="dim")
        return label

    return make


def headline(document: Document) -> str:
    """Say which instant this is: RSS, when, and what the heap was."""
    when = {"highest_rss": ", its highest", "peak": ", the heap's peak"}.get(document["at"], "")
    sentence = (
        f"RSS {units.size(document['rss_bytes'])} at {units.duration(document['at_s'])}{when}"
    )
    heap, peak = document["heap_bytes"], document["peak_bytes"]
    sentence += f"; heap {units.size(heap)}"
    if units.size(peak) != units.size(heap):
        sentence += f" (peak {units.size(peak)} at {units.duration(document['peak_at_s'])})"
    return sentence


def remarks(document: Document) -> list[str]:
    """Say what to do about it, and what the figures rest on where that is special."""
    said = []
    if document["advice"]:
        said.append(document["advice"])
    if document["rss_from"] == "sampler":
        gap = abs(document["at_s"] - document["heap_at_s"])
        said.append(
            "RSS is of a sample from outside the program; the heap's figures are "
            f"{units.duration(gap)} away from it."
        )
    if document["residency_age_s"] is None:
        said.append("The kernel's account of mappings was not read: files and stacks are unknown.")
    elif document["residency_age_s"] >= _OLD:
        age = units.duration(document["residency_age_s"])
        said.append(f"The kernel's account of mappings is {age} older than the rest.")
    if not document["malloc_known"]:
        said.append(
            "Malloc's own figures are unknown here: its slack is part of what is unexplained."
        )
    return said

"""``heapscope leaks``: what keeps growing, and why it is suspected."""

from __future__ import annotations

import sys
import textwrap

from heapscope.cli import output, places, reading, units
from heapscope.cli.options import Parser, positive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Document = dict[str, Any]

_ROWS = 10
_CURVE = "▁▂▃▄▅▆▇█"
_CURVE_WIDTH = 8
_WIDE = 60  # columns of a terminal that has room for curves
_EXAMPLE = """\
  heapscope leaks work.hscope
  heapscope leaks work.hscope --json | jq '.rows[] | select(.suspect)'"""


def run(arguments: list[str]) -> int:
    """Print what keeps growing; `arguments` are those after the verb."""
    parser = Parser("leaks", "The lines whose memory keeps growing.", _EXAMPLE)
    parser.add_argument(
        "--all",
        action="store_true",
        help="also what does not grow, what was made by imports, and the interpreter's own",
    )
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"at most N rows (default: {_ROWS}; with --json all)",
    )
    options = parser.parse_args(arguments)
    capture = reading.open_capture(options.capture)
    document = capture.leaks(options.all, options.limit or (None if options.json else _ROWS))
    output.prepare_stdout()
    if options.json:
        output.write_json(document)
    else:
        console = output.make_console(options.no_color)
        _print(console, document, options.all)
        following = ("tree {} --metric live", "who called these lines")
        if not document["suspects"]:
            following = ("table {} --metric live", "what is live at the end")
        output.hint(console, options.quiet, options.capture, following)
    return reading.remark(capture, options.capture, options.quiet)


def headline(document: Document) -> str:
    """Say the finding in one sentence."""
    ran = units.duration(document["duration_s"])
    if document["too_short"]:
        return f"A run of {ran} is too short to tell what grows: record a longer one"
    suspects = document["suspects"]
    if not suspects:
        return f"Nothing kept growing in {ran}"
    grown = sum(row["growth_bytes"] for row in document["rows"] if row["suspect"])
    lines = "1 line keeps" if suspects == 1 else f"{units.count(suspects)} lines keep"
    return f"{lines} growing: {units.size(grown)} in {ran}"


def _print(console: Console, document: Document, everything: bool) -> None:
    from rich.text import Text

    console.print(Text(headline(document), style="bold"), soft_wrap=True)
    suspects = [row for row in document["rows"] if row["suspect"]]
    others = [row for row in document["rows"] if not row["suspect"]]
    if suspects:
        console.print()
        _print_rows(console, ["grew", "a second"], suspects, _grown)
    if others and everything:
        console.print()
        _print_rows(console, ["live", "curve"], others, _settled)
    notes = list(_notes(document, suspects, others, everything))
    if notes:
        console.print()
    for note in notes:
        for line in textwrap.wrap(note, console.width, break_long_words=False):
            console.print(Text(line, style="dim"), soft_wrap=True)


def _notes(
    document: Document, suspects: list[Document], others: list[Document], everything: bool
) -> list[str]:
    """Say what is not shown: further suspects, what does not grow, and what was folded."""
    notes = []
    missing = document["suspects"] - len(suspects)
    if missing:
        notes.append(f"{units.count(missing)} more that grow (--limit N shows more)")
    hidden = document["hidden"]
    rest = hidden["rows"] - missing + (0 if everything else len(others))
    if rest and not missing:
        live = hidden["bytes"] + (0 if everything else sum(row["live_bytes"] for row in others))
        how = "--limit N shows more" if everything else "--all shows them"
        notes.append(f"not growing: {_lines(rest)} with {units.size(live)} live at the end ({how})")
    folded = document["folded"]
    if folded["rows"]:
        growing = (
            f", {units.count(folded['suspects'])} of them growing" if folded["suspects"] else ""
        )
        live = units.size(folded["bytes"])
        notes.append(
            f"folded: {_lines(folded['rows'])} of imports and the interpreter, {live}{growing} "
            "(--all shows them)"
        )
    return notes


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{units.count(count)} lines"


def _grown(row: Document) -> tuple[str, str]:
    return units.size(row["growth_bytes"]), units.size(round(row["growth_bytes_per_s"]))


def _settled(row: Document) -> tuple[str, str]:
    return units.size(row["live_bytes"]), row["pattern"]


def _print_rows(
    console: Console,
    headers: list[str],
    rows: list[Document],
    figures: Callable[[Document], tuple[str, str]],
) -> None:
    curves = console.width >= _WIDE and _can_show(_CURVE)
    headers = [*headers, *(["over time"] if curves else []), "line"]
    output.print_rows(
        console,
        headers,
        [((*figures(row), *([_curve(row)] if curves else [])), _label(row)) for row in rows],
    )


def _can_show(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return False
    return True


def _curve(row: Document) -> str:
    """Draw what was live at the ends of equal parts of the run, from nothing to the highest."""
    live = row["live_bytes_over_time"]
    step = len(live) // _CURVE_WIDTH
    values = [max(live[start : start + step]) for start in range(0, len(live), step)]
    highest = max([*values, 1])
    return "".join(_CURVE[(len(_CURVE) - 1) * value // highest] for value in values)


def _label(row: Document) -> Callable[[int], Text]:
    """Label a line: its place and source, the program's line that led there, and the reason."""
    caller = row["caller"]

    def make(width: int) -> Text:
        label = places.label_maker(row)(width)
        if caller is not None:
            where = places.place(caller["file"], caller["line"])
            pair = places.fit_pair(where, caller["function"] or "", width - 2)
            label.append(f"\n< {pair}", style="dim")
        for line in textwrap.wrap(row["reason"], max(width - 2, 1)):
            label.append(f"\n  {line}")
        return label

    return make

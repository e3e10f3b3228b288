"""``heapscope table``: the heaviest lines, functions, files, modules, sites, domains or threads."""

from __future__ import annotations

from heapscope.cli import output, places, reading, units
from heapscope.cli.metrics import METRICS
from heapscope.cli.options import Parser, positive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Document = dict[str, Any]

GROUPS = ("site", "line", "function", "file", "module", "domain", "thread")
_WITHOUT_FRAMES = ("domain", "thread")
_NEXT = {
    "line": ("tree {} --invert", "who called these lines"),
    "function": ("table {} --group-by line", "which of their lines"),
    "file": ("table {} --group-by function", "which of their functions"),
    "module": ("table {} --group-by function", "which of their functions"),
}
_ROWS = 15
_CALLERS = 3
_EXAMPLE = """\
  heapscope table work.hscope --group-by function --limit 10
  heapscope table work.hscope --group-by function --inclusive
  heapscope table work.hscope --group-by site --metric temporary --json"""


def run(arguments: list[str]) -> int:
    """Print the table; `arguments` are those after the verb."""
    parser = Parser("table", "The heaviest places of a capture.", _EXAMPLE)
    parser.add_argument(
        "--group-by", choices=GROUPS, default="line", help="what a row is (default: line)"
    )
    parser.add_metric()
    parser.add_argument(
        "--inclusive",
        action="store_true",
        help="order by what a row's frames allocated themselves or further in",
    )
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"at most N rows (default: {_ROWS}; with --json all)",
    )
    options = parser.parse_args(arguments)
    if options.inclusive and options.group_by in _WITHOUT_FRAMES:
        parser.error(f"--inclusive is for groups of frames, not for --group-by {options.group_by}")
    capture = reading.open_capture(options.capture)
    limit = options.limit or (None if options.json else _ROWS)
    document = capture.table(options.group_by, options.metric, limit, options.inclusive)
    output.prepare_stdout()
    if options.json:
        output.write_json(document)
    else:
        console = output.make_console(options.no_color)
        _print(console, document)
        output.hint(
            console,
            options.quiet,
            options.capture,
            _NEXT.get(options.group_by, ("table {} --group-by line", "the heaviest lines")),
            ("top {}", "look around, full screen"),
        )
    return reading.remark(capture, options.capture, options.quiet)


def _print(console: Console, document: Document) -> None:
    from rich.text import Text

    metric, group = METRICS[document["metric"]], document["group_by"]
    rows = document["rows"]
    weight = metric.weight_key
    total = document["total_blocks" if metric.by_count else "total_bytes"]
    written = units.count(total) if metric.by_count else units.size(total)
    console.print(Text(f"{written} {metric.title}, by {group}", style="bold"), soft_wrap=True)
    if not rows:
        return
    console.print()
    if document["inclusive"]:
        _print_inclusive(console, document, total)
        return
    lines = [
        (
            (
                units.size(row[metric.bytes_key]),
                units.share(row[weight], total),
                units.count(row[metric.blocks_key]),
            ),
            _LABELS[group](row),
        )
        for row in rows
    ]
    hidden = document["hidden"]
    if hidden["rows"]:
        rest = total - sum(row[weight] for row in rows)
        figures = (units.size(hidden["bytes"]), units.share(rest, total), "")
        more = f"{units.count(hidden['rows'])} more rows (--limit N shows more)"
        lines.append((figures, _fixed(more)))
    output.print_rows(console, ["bytes", "share", metric.blocks, group], lines)


def _print_inclusive(console: Console, document: Document, total: int) -> None:
    """Print what frames allocated themselves or further in: rows overlap and have no sum."""
    metric, group = METRICS[document["metric"]], document["group_by"]
    write = units.count if metric.by_count else units.size
    weight = metric.weight_key
    lines = [
        (
            (
                write(row[f"inclusive_{weight}"]),
                units.share(row[f"inclusive_{weight}"], total),
                write(row[weight]),
            ),
            _LABELS[group](row),
        )
        for row in document["rows"]
    ]
    hidden = document["hidden"]["rows"]
    if hidden:
        lines.append(
            (("", "", ""), _fixed(f"{units.count(hidden)} more rows (--limit N shows more)"))
        )
    output.print_rows(console, ["inclusive", "share", "own", group], lines)


def _fixed(text: str) -> Callable[[int], Text]:
    def make(width: int) -> Text:
        from rich.text import Text

        return Text(places.fit_end(text, width), style="dim")

    return make


def _pair(first: str, second: str) -> Callable[[int], Text]:
    def make(width: int) -> Text:
        from rich.text import Text

        return Text(places.fit_pair(first, second, width))

    return make


def _site(row: Document) -> Callable[[int], Text]:
    """Label a site: its innermost frame with the source, its domain, and the nearest callers."""
    stack = row.get("stack") or []

    def make(width: int) -> Text:
        from rich.text import Text

        if not stack:
            return Text(places.fit(f"(no Python frame)  [{row['domain']}]", width))
        domain = f"  [{row['domain']}]"
        label = places.label_maker(stack[-1])(width - len(domain))
        first, *others = label.split("\n")
        label = Text.assemble(first, (domain, "dim"))
        for line in others:
            label.append("\n").append(line)
        for frame in stack[-2 : -2 - _CALLERS : -1]:
            where = places.place(frame["file"], frame["line"])
            text = places.fit_pair(where, frame["function"] or "", width - 2)
            label.append(f"\n< {text}", style="dim")
        more = len(stack) - 1 - _CALLERS
        if more > 0:
            label.append(f"\n< {more} more", style="dim")
        return label

    return make


def _file(row: Document) -> Callable[[int], Text]:
    return _pair(places.place(row.get("file"), None), "")


def _function(row: Document) -> Callable[[int], Text]:
    return _pair(places.place(row.get("file"), None), places.call(row.get("function")))


def _module(row: Document) -> Callable[[int], Text]:
    distribution = row.get("distribution")
    return _pair(
        row.get("module") or "(no Python frame)", f"({distribution})" if distribution else ""
    )


_LABELS: dict[str, Callable[[Document], Callable[[int], Text]]] = {
    "site": _site,
    "line": places.label_maker,
    "function": _function,
    "file": _file,
    "module": _module,
    "domain": lambda row: _pair(row["domain"], ""),
    "thread": lambda row: _pair(str(row["thread"]), ""),
}

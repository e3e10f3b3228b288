"""``heapscope table``: the heaviest lines, functions, files, modules, sites, domains or threads."""

from __future__ import annotations

from heapscope.cli import output, places, reading, units
from heapscope.cli.options import Parser, positive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Document = dict[str, Any]

GROUPS = ("site", "line", "function", "file", "module", "domain", "thread")
_ROWS = 15
_CALLERS = 3
_KEYS = {
    "peak": ("peak_bytes", "peak_blocks", "blocks"),
    "live": ("live_bytes", "live_blocks", "blocks"),
    "allocated": ("allocated_bytes", "allocations", "allocations"),
    "temporary": ("temporary_bytes", "temporary_allocations", "allocations"),
    "count": ("allocated_bytes", "allocations", "allocations"),
}
_TITLES = {
    "peak": "bytes at the peak",
    "live": "bytes live at the end",
    "allocated": "bytes allocated in all",
    "temporary": "bytes freed before the same thread's 8th later allocation",
    "count": "number of allocations",
}
_EXAMPLE = """\
  heapscope table work.hscope --group-by function --limit 10
  heapscope table work.hscope --group-by site --metric temporary --json"""


def run(arguments: list[str]) -> int:
    """Print the table; `arguments` are those after the verb."""
    parser = Parser("table", "The heaviest places of a capture.", _EXAMPLE)
    parser.add_argument(
        "--group-by", choices=GROUPS, default="line", help="what a row is (default: line)"
    )
    parser.add_metric()
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"at most N rows (default: {_ROWS}; with --json all)",
    )
    options = parser.parse_args(arguments)
    capture = reading.open_capture(options.capture)
    limit = options.limit or (0 if options.json else _ROWS)
    document = capture.table(group_by=options.group_by, metric=options.metric, limit=limit)
    output.prepare_stdout()
    if options.json:
        output.write_json(document)
    else:
        _print(output.make_console(options.no_color), document)
    return reading.remark(capture, options.capture, options.quiet)


def _print(console: Console, document: Document) -> None:
    from rich.text import Text

    metric, group = document["metric"], document["group_by"]
    bytes_key, blocks_key, blocks_header = _KEYS[metric]
    rows = document["rows"]
    by_count = metric == "count"
    weight = blocks_key if by_count else bytes_key
    total = document["total_bytes"]
    written = units.count(total) if by_count else units.size(total)
    console.print(Text(f"{written}: {_TITLES[metric]}, by {group}", style="bold"), soft_wrap=True)
    if not rows:
        return
    console.print()
    label = _LABELS[group]
    lines = [
        (
            (
                units.size(row[bytes_key]),
                units.share(row[weight], total),
                units.count(row[blocks_key]),
            ),
            label(row),
        )
        for row in rows
    ]
    rest = total - sum(row[weight] for row in rows)
    if rest > 0:
        figure = ("", units.share(rest, total), units.count(rest))
        if not by_count:
            figure = (units.size(rest), units.share(rest, total), "")
        lines.append((figure, _fixed("all other rows (--limit N shows more)")))
    output.print_rows(console, [metric, "share", blocks_header, group], lines)


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

"""``heapscope diff``: what changed between two captures, and a check of it for CI."""

from __future__ import annotations

import argparse

from heapscope.cli import checks, heap_diff, heap_reading, output, places, reading, units
from heapscope.cli.command_error import CHECK_FAILED, CommandError
from heapscope.cli.main import say
from heapscope.cli.metrics import METRICS
from heapscope.cli.options import Parser, positive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Document = dict[str, Any]

GROUPS = ("stack", "line", "function", "file", "module", "domain", "thread")
_ROWS = 15
_CALLERS = 3
_EXAMPLE = """\
  heapscope diff before.hscope after.hscope --group-by function
  heapscope diff main.hscope branch.hscope --fail-if 'peak>+5%' --fail-if 'allocations>+1000'
  heapscope diff before.hsnap after.hsnap --fail-if 'objects>+1000'"""


def run(arguments: list[str]) -> int:
    """Print the difference; `arguments` are those after the verb."""
    description = "What changed from capture A to capture B, or from one heap snapshot to another."
    parser = Parser("diff", description, _EXAMPLE, captures="AB")
    parser.add_argument(
        "--group-by",
        choices=(*GROUPS, *heap_diff.GROUPS),
        help="what a row is (default: line; of heap snapshots: type)",
    )
    parser.add_metric()
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"at most N rows (default: {_ROWS}; with --json all)",
    )
    parser.add_argument(
        "--fail-if",
        type=_check,
        action="append",
        default=[],
        metavar="CHECK",
        help="exit with 1 if it holds: METRIC>SIZE, METRIC>+SIZE or METRIC>+PERCENT%%, + being on "
        f"top of A and METRIC one of {', '.join(checks.METRICS)}; may be repeated",
    )
    options = parser.parse_args(arguments)
    snapshots = [heap_reading.is_snapshot(path) for path in (options.a, options.b)]
    if all(snapshots):
        return heap_diff.compare(options, options.group_by)
    if any(snapshots):
        parser.error("a capture and a heap snapshot have nothing to compare")
    options.group_by = options.group_by or "line"
    if options.group_by in heap_diff.GROUPS:
        parser.error(f"captures have no rows by {options.group_by}")
    a, b = reading.open_capture(options.a), reading.open_capture(options.b)
    outcomes = _outcomes(options.fail_if, a.summary(), b.summary()) if options.fail_if else []
    limit = options.limit or (None if options.json else _ROWS)
    document = a.diff(b, options.group_by, options.metric, limit)
    output.prepare_stdout()
    if options.json:
        document["checks"] = [outcome.document() for outcome in outcomes]
        output.write_json(document)
    else:
        _print(output.make_console(options.no_color), document)
    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in failed:
        say(outcome.line())
    remarks = [
        reading.remark(capture, path, options.quiet)
        for capture, path in ((a, options.a), (b, options.b))
    ]
    return max(remarks) or (CHECK_FAILED if failed else 0)


def _check(text: str) -> checks.Check:
    try:
        return checks.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None


def _outcomes(wanted: list[checks.Check], a: Document, b: Document) -> list[checks.Outcome]:
    outcomes = []
    for check in wanted:
        try:
            outcomes.append(checks.apply(check, a, b))
        except ValueError as error:
            raise CommandError(f"--fail-if {check.text!r} cannot be told: {error}") from None
    return outcomes


def _print(console: Console, document: Document) -> None:
    from rich.text import Text

    metric, group = METRICS[document["metric"]], document["group_by"]
    unit, totals = ("blocks", "_blocks") if metric.by_count else ("bytes", "")
    write = units.count if metric.by_count else units.size
    before, after = document[f"total_a{totals}"], document[f"total_b{totals}"]
    change = _signed(after - before, write)
    if before:
        change += f", {100 * (after - before) / before:+.3g} %"
    title = f"{write(before)} → {write(after)} {metric.title} ({change}), by {group}"
    console.print(Text(title, style="bold"), soft_wrap=True)
    rows = [row for row in document["rows"] if row["status"] != "same"]
    unchanged = len(document["rows"]) - len(rows)
    rest = document["hidden"]
    lines = [(_figures(row, unit, write, row["status"]), _label(row, group)) for row in rows]
    count = rest["rows"] + unchanged
    if count:
        # Rows are ordered by how much they changed: after one that did not, none did.
        if unchanged or not rest[f"delta_{unit}"]:
            text = f"{units.count(count)} row{'' if count == 1 else 's'} that did not change"
        else:
            text = f"{units.count(count)} more rows (--limit N shows more)"
        same = [row for row in document["rows"] if row["status"] == "same"]
        sums = {
            key: rest[key] + sum(row[key] for row in same)
            for key in (f"delta_{unit}", f"a_{unit}", f"b_{unit}")
        }
        lines.append((_figures(sums, unit, write, ""), _fixed(text)))
    if lines:
        console.print()
        output.print_rows(console, ["change", "A", "B", "", group], lines)


def _signed(number: int, write: Callable[[int], str]) -> str:
    return f"+{write(number)}" if number > 0 else write(number)


def _figures(
    row: Document, unit: str, write: Callable[[int], str], status: str
) -> tuple[str, str, str, str]:
    change = _signed(row[f"delta_{unit}"], write)
    return change, write(row[f"a_{unit}"]), write(row[f"b_{unit}"]), status


def _fixed(text: str) -> Callable[[int], Text]:
    def make(width: int) -> Text:
        from rich.text import Text

        return Text(places.fit_end(text, width), style="dim")

    return make


def _label(row: Document, group: str) -> Callable[[int], Text]:
    """Return what makes a row's label: its place, where it was in A, the source or the callers."""

    def make(width: int) -> Text:
        from rich.text import Text

        if group in ("module", "domain", "thread"):
            return Text(places.fit(str(row[group]), width))
        if group == "file":
            return Text(places.fit(places.place(row["file"], None), width))
        if group == "function":
            where, function = places.place(row["file"], None), places.call(row["function"])
            return Text(places.fit_pair(where, function, width))
        where = places.place(row["file"], row["line"])
        if row["a_line"] and row["a_line"] != row["line"]:
            where += f" (was {row['a_line']})"
        label = Text(places.fit_pair(where, row["function"] or "", width))
        # The line of what is gone is a line of A's file, which may be another file today.
        source = "" if row["status"] == "gone" else places.source(row["file"], row["line"])
        if source:
            label.append("\n  " + places.fit_end(source, width - 2), style="dim")
        stack = row.get("stack", [])
        for frame in stack[-2 : -2 - _CALLERS : -1]:
            caller = places.place(frame["file"], frame["line"])
            text = places.fit_pair(caller, frame["function"] or "", width - 2)
            label.append(f"\n< {text}", style="dim")
        if len(stack) - 1 > _CALLERS:
            label.append(f"\n< {len(stack) - 1 - _CALLERS} more", style="dim")
        return label

    return make

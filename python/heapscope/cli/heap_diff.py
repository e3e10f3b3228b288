"""``heapscope diff`` of two heap snapshots."""

from __future__ import annotations

from heapscope.cli import checks, heap_documents, heap_reading, heap_tables, output
from heapscope.cli.command_error import CHECK_FAILED, CommandError
from heapscope.cli.main import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from heapscope.objects.snapshot import Heap

    Document = dict[str, Any]

__all__ = ["GROUPS", "compare"]

GROUPS = ("type", "class")
_OF_BOTH = ("module",)
_ROWS = 15


def compare(options: argparse.Namespace, group: str | None) -> int:
    """Print what changed from one snapshot to another.

    Returns
    -------
    int
        The exit code: 1 when a check failed.

    Raises
    ------
    CommandError
        One cannot be read, or what is asked is a question about captures.
    """
    group = group or "type"
    if group not in GROUPS + _OF_BOTH:
        raise CommandError(
            f"heap snapshots have no rows by {group}: {', '.join(GROUPS + _OF_BOTH)}"
        )
    earlier, later = heap_reading.load(options.a), heap_reading.load(options.b)
    document: Document = {
        "schema": "heapscope/diff/1",
        "a": options.a,
        "b": options.b,
        "metric": "live",
        **heap_documents.comparison(earlier, later, group),
    }
    outcomes = _outcomes(options.fail_if, earlier, later)
    output.prepare_stdout()
    if options.json:
        if options.limit:
            document["rows"] = document["rows"][: options.limit]
        document["checks"] = [outcome.document() for outcome in outcomes]
        output.write_json(document)
    else:
        console = output.make_console(options.no_color)
        heap_tables.show_comparison(console, document, options.limit or _ROWS)
    failed = [outcome for outcome in outcomes if outcome.failed]
    for outcome in failed:
        say(outcome.line())
    return CHECK_FAILED if failed else 0


def _outcomes(wanted: list[checks.Check], a: Heap, b: Heap) -> list[checks.Outcome]:
    figures = [{"live_bytes_at_end": heap.size, "objects": heap.count} for heap in (a, b)]
    try:
        return [checks.apply(check, *figures) for check in wanted]
    except ValueError as error:
        raise CommandError(f"--fail-if cannot be told of heap snapshots: {error}") from None

"""``heapscope report``: one HTML file that shows a run, or the difference of two."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from heapscope.cli import progress, reading, snapshots, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser

_EXAMPLE = """\
  heapscope report work.hscope --open
  heapscope report before.hscope after.hscope -o change.html
  heapscope report work.hsnap                    (of a heap snapshot; of two: what changed)
  heapscope report work.hscope work.hsnap        (a run together with a snapshot of it)"""


def run(arguments: list[str]) -> int:
    """Write the report; `arguments` are those after the verb."""
    options = _parser().parse_intermixed_args(arguments)
    output = options.output or _output(options.capture, options.other)
    from heapscope.errors import HeapscopeError
    from heapscope.report.files import check_free

    _refuse_inputs(output, options.capture, options.other)
    given = [options.capture] if options.other is None else [options.capture, options.other]
    heaps = [each for each in given if snapshots.is_snapshot(each)]
    try:
        check_free(output, force=options.force)
        if heaps:
            codes = _write_heap(given, heaps, output, options)
        else:
            codes = _write_captures(given, output, options)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    if not options.quiet:
        written = units.size(os.stat(output).st_size)  # noqa: PTH116 - any name
        sys.stdout.write(f"{output}  {written}\n".encode(errors="backslashreplace").decode())
    if options.open:
        import webbrowser

        if not webbrowser.open(Path(output).resolve().as_uri()):
            raise CommandError(f"no browser was found; open {output!r} in one")
    return max(codes)


def _parser() -> Parser:
    parser = Parser(
        "report",
        "Writes one HTML file that shows where the memory of a run went, what a heap snapshot "
        "holds, or, of two of a kind, what changed from the first to the second. It opens from a "
        "disk, offline, and sends nothing.",
        _EXAMPLE,
        tables=False,
    )
    parser.add_argument(
        "other",
        metavar="B",
        nargs="?",
        help="a later capture or heap snapshot, to be compared with the first; or a heap "
        "snapshot of the run, shown with it",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT.html", help="where to (default: beside the capture)"
    )
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    parser.add_argument("--force", action="store_true", help="replace OUT.html if it is there")
    parser.add_argument(
        "--no-source",
        dest="source",
        action="store_false",
        help="leave out the source files; default: the program's own and those of libraries that "
        "hold 0.1 %% of the memory are in it",
    )
    return parser


def _output(capture: str, other: str | None) -> str:
    """Name the report after the capture: ``work.hscope`` gives ``work.html``."""
    if other is None:
        return str(Path(capture).with_suffix(".html"))
    name = f"{Path(capture).stem}-{Path(other).stem}.html"
    return str(Path(other).with_name(name))


def _refuse_inputs(output: str, *captures: str | None) -> None:
    for capture in captures:
        try:
            same = capture is not None and os.path.samefile(output, capture)  # noqa: PTH121
        except (OSError, ValueError):
            continue
        if same:
            raise CommandError(f"{output!r} is a capture; name another file with -o")


def _write_captures(given: list[str], output: str, options: argparse.Namespace) -> list[int]:
    """Write the report of a run, or of what changed from the first to the second."""
    from heapscope.report import Report

    opened = [reading.open_capture(path) for path in given]
    base = opened[0] if len(opened) == 2 else None
    with progress.working(f"writing {Path(output).name}", quiet=options.quiet):
        Report(opened[-1], base, sources=options.source).write(output, force=options.force)
    pairs = zip(reversed(opened), reversed(given), strict=True)
    return [reading.remark(capture, path, options.quiet) for capture, path in pairs]


def _write_heap(
    given: list[str], heaps: list[str], output: str, options: argparse.Namespace
) -> list[int]:
    """Write the report of a heap snapshot, of two, or of one beside the capture of its run."""
    from heapscope.report import Report
    from heapscope.report.document import HeapReport
    from heapscope.report.heap_data import make_heap_data

    captures = [each for each in given if each not in heaps]
    opened = [reading.open_capture(each) for each in captures]
    graphs = [snapshots.open_snapshot(each) for each in heaps]
    with progress.working(f"writing {Path(output).name}", quiet=options.quiet):
        base = graphs[0] if len(graphs) == 2 else None
        data = make_heap_data(graphs[-1], heaps[-1], base, heaps[0] if base is not None else "")
        report = (
            Report(opened[0], sources=options.source, heap=data) if opened else HeapReport(data)
        )
        report.write(output, force=options.force)
    return [0, *(reading.remark(opened[0], each, options.quiet) for each in captures)]

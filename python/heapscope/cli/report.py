"""``heapscope report``: one HTML file that shows a run, or the difference of two."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from heapscope.cli import progress, reading, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis

_EXAMPLE = """\
  heapscope report work.hscope --open
  heapscope report before.hscope after.hscope -o change.html"""


def run(arguments: list[str]) -> int:
    """Write the report; `arguments` are those after the verb."""
    options = _parser().parse_intermixed_args(arguments)
    compared = options.other is not None
    path = options.other if compared else options.capture
    output = options.output or _output(options.capture, options.other)
    from heapscope.errors import HeapscopeError
    from heapscope.report.files import check_free

    _refuse_inputs(output, options.capture, options.other)
    try:
        check_free(output, force=options.force)
        base = reading.open_capture(options.capture) if compared else None
        capture = reading.open_capture(path)
        with progress.working(f"writing {Path(output).name}", quiet=options.quiet):
            _write(capture, base, output, options.source, options.force)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    if not options.quiet:
        written = units.size(os.stat(output).st_size)  # noqa: PTH116 - any name
        sys.stdout.write(f"{output}  {written}\n".encode(errors="backslashreplace").decode())
    codes = [reading.remark(capture, path, options.quiet)]
    if base is not None:
        codes.append(reading.remark(base, options.capture, options.quiet))
    if options.open:
        import webbrowser

        if not webbrowser.open(Path(output).resolve().as_uri()):
            raise CommandError(f"no browser was found; open {output!r} in one")
    return max(codes)


def _parser() -> Parser:
    parser = Parser(
        "report",
        "Writes one HTML file that shows where the memory of a run went, or, of two captures, what "
        "changed from the first to the second. It opens from a disk, offline, and sends nothing.",
        _EXAMPLE,
        tables=False,
    )
    parser.add_argument(
        "other", metavar="B", nargs="?", help="a later capture, to be compared with the first"
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


def _write(
    capture: _analysis.Capture,
    base: _analysis.Capture | None,
    output: str,
    sources: bool,
    force: bool,
) -> None:
    from heapscope.report import Report

    Report(capture, base, sources=sources).write(output, force=force)

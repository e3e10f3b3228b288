"""``heapscope plot``: memory over time as a picture, of one run or of several."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from heapscope.cli import progress, reading, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser
from heapscope.errors import HeapscopeError

_SUFFIXES = (".png", ".svg", ".pdf")
_EXAMPLE = """\
  heapscope plot work.hscope
  heapscope plot before.hscope after.hscope -o change.svg"""


def run(arguments: list[str]) -> int:
    """Write the picture; `arguments` are those after the verb."""
    options = _parser().parse_intermixed_args(arguments)
    output = options.output or str(Path(options.capture[0]).with_suffix(".png"))
    kind = Path(output).suffix.lower()
    if kind not in _SUFFIXES:
        raise CommandError(f"-o {output!r} must end in {', '.join(_SUFFIXES)}")
    from heapscope.pictures import draw
    from heapscope.report.files import check_free, write_new

    try:
        check_free(output, force=options.force)
        captures = [reading.open_capture(path) for path in options.capture]
        with progress.working(f"drawing {Path(output).name}", quiet=options.quiet):
            write_new(output, draw(captures, kind[1:], options.title), force=options.force)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    if not options.quiet:
        written = units.size(os.stat(output).st_size)  # noqa: PTH116 - any name
        sys.stdout.write(f"{output}  {written}\n".encode(errors="backslashreplace").decode())
    remarks = [
        reading.remark(capture, path, options.quiet)
        for capture, path in zip(captures, options.capture, strict=True)
    ]
    return max(remarks)


def _parser() -> Parser:
    parser = Parser(
        "plot",
        "Draws memory over time: of one run RSS, heap and what Python has of it; of several runs "
        "their heaps, with RSS behind.",
        _EXAMPLE,
        captures="+",
        tables=False,
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="a .png, .svg or .pdf (default: a .png beside the first capture)",
    )
    parser.add_argument("--title", help="above the picture (default: the name of the script)")
    parser.add_argument("--force", action="store_true", help="replace OUT if it is there")
    return parser

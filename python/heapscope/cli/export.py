"""``heapscope export``: a capture or a heap snapshot in the format of another tool."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from heapscope.cli import progress, reading, snapshots, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapscope.exporters import Format

_EXAMPLE = """\
  heapscope export work.hscope --format speedscope
  heapscope export work.hscope --format collapsed --metric live -o - | flamegraph.pl > live.svg
  heapscope export work.hsnap --format heapsnapshot"""


def run(arguments: list[str]) -> int:
    """Write the file; `arguments` are those after the verb."""
    from heapscope.errors import HeapscopeError
    from heapscope.exporters import FORMATS, HEAP_FORMATS, writing
    from heapscope.report.files import check_free

    options = _parser(FORMATS, HEAP_FORMATS).parse_args(arguments)
    of_heap = snapshots.is_snapshot(options.capture)
    to_stdout = options.output == "-"
    metric = options.metric
    files: list[str] = []
    try:
        formats = HEAP_FORMATS if of_heap else FORMATS
        chosen = writing.format_named(formats, options.format, metric)
        if to_stdout and chosen.binary and sys.stdout.isatty():
            raise CommandError(f"{options.format} would spoil the terminal; name a file with -o")
        output = options.output or writing.default_path(options.capture, chosen)
        if not to_stdout:
            _refuse_capture(output, options.capture)
            if chosen.write_tables is None:  # else each of the tables is looked for
                check_free(output, force=options.force)
        capture = None if of_heap else reading.open_capture(options.capture)
        source = capture or snapshots.open_snapshot(options.capture)
        with progress.working(f"writing {options.format}", quiet=options.quiet):
            if to_stdout:
                writing.write_stream(source, chosen, sys.stdout.buffer, metric=metric)
            else:
                files = writing.write_files(
                    source, chosen, output, metric=metric, force=options.force
                )
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    if files and not options.quiet:
        _tell(output, files)
    return reading.remark(capture, options.capture, options.quiet) if capture else 0


def _tell(output: str, files: list[str]) -> None:
    written = units.size(sum(os.stat(file).st_size for file in files))  # noqa: PTH116
    sys.stdout.write(f"{output}  {written}\n".encode(errors="backslashreplace").decode())


def _refuse_capture(output: str, capture: str) -> None:
    try:
        same = os.path.samefile(output, capture)  # noqa: PTH121 - any name
    except (OSError, ValueError):
        return
    if same:
        raise CommandError(f"{Path(output).name} is the capture; name another file with -o")


def _parser(formats: Mapping[str, Format], heap_formats: Mapping[str, Format]) -> Parser:
    listed, heap_listed = (
        "\n".join(f"  {name:12} {each.description}" for name, each in kinds.items())
        for kinds in (formats, heap_formats)
    )
    parser = Parser(
        "export",
        f"Writes a capture in the format of another tool:\n\n{listed}\n\n"
        f"or a heap snapshot:\n\n{heap_listed}",
        _EXAMPLE,
        tables=False,
    )
    parser.add_argument(
        "-f",
        "--format",
        required=True,
        choices=tuple({**formats, **heap_formats}),
        metavar="FORMAT",
        help="one of the formats above",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="where to, - for stdout; gzipped if it ends in .gz (default: beside the capture)",
    )
    parser.add_metric()
    parser.add_argument("--force", action="store_true", help="replace OUT if it is there")
    return parser

"""``heapscope export``: a capture in the format of another tool."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from heapscope.cli import progress, reading, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.exporters import Format

_EXAMPLE = """\
  heapscope export work.hscope --format speedscope
  heapscope export work.hscope --format collapsed --metric live -o - | flamegraph.pl > live.svg"""


def run(arguments: list[str]) -> int:
    """Write the file; `arguments` are those after the verb."""
    from heapscope import exporters
    from heapscope.errors import HeapscopeError
    from heapscope.exporters.table_files import table_paths
    from heapscope.exporters.writing import default_path, format_named
    from heapscope.report.files import check_free

    options = _parser(exporters.FORMATS).parse_args(arguments)
    to_stdout = options.output == "-"
    try:
        chosen = format_named(options.format, options.metric)
        if to_stdout and chosen.binary and sys.stdout.isatty():
            raise CommandError(f"{options.format} would spoil the terminal; name a file with -o")
        output = options.output or default_path(options.capture, chosen)
        if not to_stdout:
            _refuse_capture(output, options.capture)
            if not chosen.tables:  # else `write_tables` looks for each of them
                check_free(output, force=options.force)
        capture = reading.open_capture(options.capture)
        with progress.working(f"writing {options.format}", quiet=options.quiet):
            if to_stdout:
                exporters.export_to(
                    capture, options.format, sys.stdout.buffer, metric=options.metric
                )
            else:
                exporters.export(
                    capture, options.format, output, metric=options.metric, force=options.force
                )
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    if not to_stdout and not options.quiet:
        files = table_paths(chosen.tables, output) if chosen.tables else [output]
        written = units.size(sum(os.stat(file).st_size for file in files))  # noqa: PTH116
        sys.stdout.write(f"{output}  {written}\n".encode(errors="backslashreplace").decode())
    return reading.remark(capture, options.capture, options.quiet)


def _refuse_capture(output: str, capture: str) -> None:
    try:
        same = os.path.samefile(output, capture)  # noqa: PTH121 - any name
    except (OSError, ValueError):
        return
    if same:
        raise CommandError(f"{Path(output).name} is the capture; name another file with -o")


def _parser(formats: dict[str, Format]) -> Parser:
    listed = "\n".join(f"  {name:12} {each.description}" for name, each in formats.items())
    parser = Parser(
        "export",
        f"Writes a capture in the format of another tool:\n\n{listed}",
        _EXAMPLE,
        tables=False,
    )
    parser.add_argument(
        "--format",
        required=True,
        choices=tuple(formats),
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

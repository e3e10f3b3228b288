"""``heapscope export``: a capture or a heap snapshot in the format of another tool."""

from __future__ import annotations

import argparse
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
    from heapscope.exporters.heap_formats import HeapFormat

_EXAMPLE = """\
  heapscope export work.hscope --format speedscope
  heapscope export work.hscope --format collapsed --metric live -o - | flamegraph.pl > live.svg
  heapscope export work.hsnap --format heapsnapshot"""


def run(arguments: list[str]) -> int:
    """Write the file; `arguments` are those after the verb."""
    from heapscope import exporters
    from heapscope.errors import HeapscopeError
    from heapscope.exporters.heap_formats import HEAP_FORMATS
    from heapscope.exporters.table_files import table_paths
    from heapscope.exporters.writing import default_path, format_named
    from heapscope.report.files import check_free

    options = _parser(exporters.FORMATS, HEAP_FORMATS).parse_args(arguments)
    if snapshots.is_snapshot(options.capture):
        return _export_snapshot(options)
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
        _tell(output, table_paths(chosen.tables, output) if chosen.tables else [output])
    return reading.remark(capture, options.capture, options.quiet)


def _export_snapshot(options: argparse.Namespace) -> int:
    from heapscope.errors import HeapscopeError
    from heapscope.exporters import heap_writing
    from heapscope.exporters.table_files import table_paths
    from heapscope.heap_tables import HEAP_TABLES
    from heapscope.report.files import check_free

    to_stdout = options.output == "-"
    try:
        chosen = heap_writing.heap_format_named(options.format)
        if to_stdout and chosen.binary and sys.stdout.isatty():
            raise CommandError(f"{options.format} would spoil the terminal; name a file with -o")
        output = options.output or heap_writing.default_heap_path(options.capture, chosen)
        if not to_stdout:
            _refuse_capture(output, options.capture)
            if not chosen.tables:
                check_free(output, force=options.force)
        graph = snapshots.open_snapshot(options.capture)
        with progress.working(f"writing {options.format}", quiet=options.quiet):
            if to_stdout:
                heap_writing.export_heap_to(graph, options.format, sys.stdout.buffer)
            else:
                heap_writing.export_heap(graph, options.format, output, force=options.force)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    if not to_stdout and not options.quiet:
        files = [output]
        if chosen.tables:
            files = table_paths(chosen.tables, output, HEAP_TABLES)
        _tell(output, files)
    return 0


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


def _parser(formats: Mapping[str, Format], heap_formats: Mapping[str, HeapFormat]) -> Parser:
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

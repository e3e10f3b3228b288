"""``heapscope peak``: what was live at the highest moment, although all of it was freed since.

The program runs as under `heapscope run`; its capture is a temporary one, unless it is kept.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile

from heapscope.cli import invocation as command_line
from heapscope.cli import output, places, program_options, reading, sealing, units
from heapscope.cli import run as running
from heapscope.cli.command_error import CommandError
from heapscope.cli.options import Parser, positive

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

    from rich.console import Console

    from heapscope import _analysis
    from heapscope.cli.invocation import Invocation

    Document = dict[str, Any]

_ROWS = 10
_VALUED = frozenset({"--limit", "--output", "--keep"})
_EXAMPLE = """\
  heapscope peak work.py --size 100
  heapscope peak --watch --keep work.hscope work.py
  heapscope peak --json work.hscope"""
_DESCRIPTION = """\
What was live at the highest moment, by line with its source, although it may all be freed since.

Runs a program as `heapscope run` does, and exits with its exit code, or reads a capture."""
_MAGIC = (b"HSCOPEL\n", b"HSCOPES\n")  # a capture as it is written, and sealed


def run(arguments: list[str]) -> int:
    """Run a program or read a capture, and print; `arguments` are those after the verb."""
    parser = _parser()
    own, program = program_options.split(arguments, "qh", "o", _VALUED, modules=True)
    path = _capture_named(program)
    options = parser.parse_args(own if path is None else own + program[1:])
    if not program:
        parser.error("nothing to look at: give SCRIPT.py, -m MODULE, -c CODE or a capture")
    if path is not None:
        return _read(parser, options, path)
    if options.output is not None and options.output.endswith(".hscope") and not options.keep:
        options.keep, options.output = options.output, None
    if options.output is not None:
        _check_output(options)
    is_script = program[0] not in ("-m", "-c")
    invocation = command_line.parse(["--", *program] if is_script else program)
    invocation.output, invocation.force = options.keep, options.force
    running.check(invocation)
    with _place_of_capture(invocation) as pattern:
        return _run(options, invocation, pattern)


def _parser() -> Parser:
    parser = Parser("peak", _DESCRIPTION, _EXAMPLE, captures="")
    parser.usage = (
        "heapscope peak [options] SCRIPT.py ARGS…\n"
        "       heapscope peak [options] -m MODULE ARGS… | -c CODE ARGS…\n"
        "       heapscope peak [options] CAPTURE"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="tell time and max RSS on stderr at each new maximum, while the program runs",
    )
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"at most N rows (default: {_ROWS}; with --json all)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the result there")
    parser.add_argument("--keep", metavar="OUT.hscope", help="keep the capture, there")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    return parser


def _capture_named(program: list[str]) -> str | None:
    """Return the path if what is named is a capture and not a program."""
    path = program[0] if program else "-"
    if path.startswith("-"):
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            begin = file.read(8)
    except (OSError, ValueError):
        begin = b""
    return path if begin in _MAGIC or path.endswith(".hscope") else None


def _read(parser: Parser, options: argparse.Namespace, path: str) -> int:
    for name in ("watch", "keep"):
        if getattr(options, name):
            parser.error(f"--{name} is for a program that is run, and {path!r} is a capture")
    if options.output is not None:
        _check_output(options)
    capture = reading.open_capture(path)
    _answer(options, capture, path)
    return reading.remark(capture, path, options.quiet)


@contextlib.contextmanager
def _place_of_capture(invocation: Invocation) -> Iterator[str]:
    """Yield where the capture goes: where it is to be kept, or a directory that is removed."""
    if invocation.output is not None:
        yield running.output_pattern(invocation)
        return
    try:
        directory = tempfile.mkdtemp(prefix="heapscope-")
    except OSError as error:
        reason = running.reason(error)
        raise CommandError(f"cannot make a temporary capture: {reason}; set TMPDIR") from None
    try:
        yield os.path.join(directory, "peak.hscope").replace("%", "%%")  # noqa: PTH118
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(options: argparse.Namespace, invocation: Invocation, pattern: str) -> int:
    from heapscope._autostart import expand
    from heapscope.cli.watcher import Watcher

    path = expand(pattern, 0)
    former = running.identity(path)
    supervisor = running.start(invocation, pattern, Watcher if options.watch else None)
    status = supervisor.wait()
    if isinstance(supervisor.sampler, Watcher):
        supervisor.sampler.finish(supervisor.max_rss_bytes)
    code = running.exit_code(status)
    if running.identity(path) in (None, former):
        sealing.say_unrecorded()
        return code
    sealing.finish(path, status, supervisor, announce=False)
    capture = reading.open_capture(path)
    reading.remark(capture, path, options.quiet)
    _answer(options, capture, options.keep)
    return code


def _answer(options: argparse.Namespace, capture: _analysis.Capture, path: str | None) -> None:
    """Print what was live at the peak, or write it to the file that was named."""
    if options.output is None:
        output.prepare_stdout()
        _print(options, capture, path)
        return
    from heapscope.errors import HeapscopeError
    from heapscope.report.files import write_new

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        _print(options, capture, path)
    data = text.getvalue().encode(errors="backslashreplace")
    try:
        write_new(options.output, data, force=options.force)
    except HeapscopeError as error:
        raise CommandError(str(error)) from None


def _print(options: argparse.Namespace, capture: _analysis.Capture, path: str | None) -> None:
    limit = options.limit or (None if options.json else _ROWS)
    document = _document(capture, path, limit)
    if options.json:
        output.write_json(document)
        return
    console = output.make_console(options.no_color)
    _print_rows(console, document)
    if path is not None and options.output is None:
        output.hint(
            console,
            options.quiet,
            path,
            ("tree {}", "who called these lines"),
            ("report {}", "all of it as one HTML file"),
        )


def _document(capture: _analysis.Capture, path: str | None, limit: int | None) -> Document:
    """Return the JSON: a table at the highest moment, and when and of what that was."""
    summary = capture.summary()
    document = capture.table("line", "peak", limit)
    document.update(
        schema="heapscope/peak/1",
        capture=path,
        command=summary["command"],
        peak_at_s=summary["peak_at_s"],
        duration_s=summary["duration_s"],
        peak_rss_bytes=summary["peak_rss_bytes"],
        live_bytes_at_end=summary["live_bytes_at_end"],
        complete=summary["complete"],
    )
    return document


def _print_rows(console: Console, document: Document) -> None:
    from rich.text import Text

    total, left = document["total_bytes"], document["live_bytes_at_end"]
    rows = document["rows"]
    title = f"Peak {units.size(total)}"
    if document["peak_at_s"] is not None:
        title += f" at {units.duration(document['peak_at_s'])}"
    if document["duration_s"] is not None:
        title += f" of {units.duration(document['duration_s'])}"
    console.print(
        Text(f"{title}; {units.size(left)} live at the end", style="bold"), soft_wrap=True
    )
    if not rows:
        return
    console.print()
    lines = [
        (
            (
                units.size(row["peak_bytes"]),
                units.share(row["peak_bytes"], total),
                units.size(row["live_bytes"]),
            ),
            places.label_maker(row),
        )
        for row in rows
    ]
    hidden = document["hidden"]
    if hidden["rows"]:
        figures = (
            units.size(hidden["bytes"]),
            units.share(hidden["bytes"], total),
            units.size(left - sum(row["live_bytes"] for row in rows)),
        )
        more = f"{units.count(hidden['rows'])} more rows (--limit N shows more)"
        lines.append((figures, lambda width: Text(places.fit_end(more, width), style="dim")))
    output.print_rows(console, ["at peak", "share", "live at end", "line that allocates"], lines)


def _check_output(options: argparse.Namespace) -> None:
    from heapscope.errors import HeapscopeError
    from heapscope.report.files import check_free

    try:
        check_free(options.output, force=options.force)
    except HeapscopeError as error:
        raise CommandError(str(error)) from None

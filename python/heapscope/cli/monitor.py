"""``heapscope monitor``: the sizes of a running process, again and again."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import time

from heapscope.cli import output, timeline_options
from heapscope.cli.command_error import CommandError
from heapscope.cli.fitting import fit, printable
from heapscope.cli.main import say
from heapscope.cli.options import Parser
from heapscope.cli.units import duration, size
from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from heapscope.timeline.process_report import ProcessReporter

_EXAMPLE = """\
  heapscope monitor 1234
  heapscope monitor --interval 0.5 --duration 60 --csv work.csv 1234
  heapscope monitor 1234 --json | jq .rss_bytes"""
_COLUMNS = (
    "time_s",
    "pid",
    "rss_bytes",
    "pss_bytes",
    "uss_bytes",
    "vms_bytes",
    "shared_bytes",
    "swap_bytes",
    "threads",
    "children",
    "cpu_percent",
    "children_rss_bytes",
)
_OF_SYSTEM = ("total_bytes", "available_bytes", "swap_total_bytes", "swap_used_bytes")
_SHOWN = ("RSS", "PSS", "USS", "VMS", "shared", "swap")
_MOST_THREADS = 10


def run(arguments: list[str]) -> int:
    """Watch a process; `arguments` are those after the verb."""
    options = _parser().parse_intermixed_args(arguments)
    output.prepare_stdout()
    process = timeline_options.find_process(options.process, first=False)
    from heapscope.timeline.process_report import ProcessReporter

    try:
        reporter = ProcessReporter(process)
        first = reporter.now()
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    table = _open_csv(options.csv, force=options.force) if options.csv else -1
    shown: _Json | _Line | _Rows = _Rows()
    if options.json:
        shown = _Json()
    elif sys.stdout.isatty():
        shown = _Line(reporter.name)
    try:
        return _watch(reporter, first, options, shown, table)
    finally:
        shown.close()
        if table >= 0:
            os.close(table)


def _watch(
    reporter: ProcessReporter,
    figures: dict[str, Any],
    options: argparse.Namespace,
    shown: _Json | _Line | _Rows,
    table: int,
) -> int:
    from heapscope.timeline.process_report import ProcessEndedError

    begun = time.monotonic()
    number, ended = 0, False
    while True:
        shown.take(figures)
        if table >= 0:
            _append(table, _csv_row(figures))
        number += 1
        due = begun + number * options.interval
        if options.duration is not None and due - begun > options.duration + 1e-9:
            break
        if reporter.wait(due - time.monotonic()):
            ended = True
            break
        try:
            figures = reporter.now()
        except ProcessEndedError:
            ended = True
            break
        except HeapscopeError as error:
            raise CommandError(str(error), error.exit_code) from None
    shown.close()
    if ended and not options.quiet:
        say(f"process {figures['pid']} ended after {duration(time.monotonic() - begun)}")
    return 0


def _parser() -> Parser:
    parser = Parser(
        "monitor",
        "Prints the sizes of a running process: RSS, PSS, USS, VMS, shared, swap, threads with "
        "their names and CPU, children, and what the system has left. Ends with the process.",
        _EXAMPLE,
        "",
    )
    parser.add_argument("process", metavar="PID|NAME", help="its id, or its name")
    parser.add_argument(
        "--interval",
        type=timeline_options.interval,
        default=1.0,
        metavar="SECONDS",
        help="between two looks (default: 1)",
    )
    parser.add_argument(
        "--duration",
        type=timeline_options.seconds,
        metavar="SECONDS",
        help="end after so long (default: when the process ends, or Ctrl-C)",
    )
    parser.add_argument("--csv", metavar="FILE", help="also write a row for each look to FILE")
    parser.add_argument("--force", action="store_true", help="replace FILE if it is there")
    return parser


def _open_csv(path: str, *, force: bool) -> int:
    """Make the file, with its header. Rows are written as they come: a long watch can be killed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        file = os.open(path, flags | (os.O_TRUNC if force else os.O_EXCL), 0o644)
    except FileExistsError:
        raise CommandError(f"{path!r} exists; --force replaces it") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandError(f"cannot write {path!r}: {reason}") from None
    _append(file, [*_COLUMNS, *(f"system_{name}" for name in _OF_SYSTEM)])
    return file


def _append(file: int, row: list[object]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    try:
        os.write(file, text.getvalue().encode())
    except OSError as error:
        raise CommandError(f"cannot write the CSV file: {error.strerror}") from None


def _csv_row(figures: dict[str, Any]) -> list[object]:
    row = ["" if figures[name] is None else figures[name] for name in _COLUMNS]
    return row + [figures["system"][name] for name in _OF_SYSTEM]


class _Json:
    """One document a line."""

    def take(self, figures: dict[str, Any]) -> None:
        document = {"schema": "heapscope/monitor/1", **figures}
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is open."""


class _Rows:
    """A table that grows, for a pipe or a file."""

    def __init__(self) -> None:
        self._begun = False

    def take(self, figures: dict[str, Any]) -> None:
        if not self._begun:
            heads = "".join(f"{name:>10}" for name in _SHOWN)
            sys.stdout.write(f"{'time':>8}{heads}  threads\n")
            self._begun = True
        sys.stdout.write(
            f"{figures['time_s']:>7.1f}s{''.join(f'{each:>10}' for each in _sizes(figures))}"
            f"{figures['threads']:>9}\n"
        )
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is open."""


class _Line:
    """One block of a terminal, written over again and again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._height = 0

    def take(self, figures: dict[str, Any]) -> None:
        width = max(_columns() - 1, 20)
        lines = [fit(printable(line), width) for line in self._lines(figures)]
        up = f"\x1b[{self._height}A" if self._height else ""
        sys.stdout.write("\r" + up + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J")
        sys.stdout.flush()
        self._height = len(lines)

    def _lines(self, figures: dict[str, Any]) -> list[str]:
        system = figures["system"]
        pairs = [f"{name} {text}" for name, text in zip(_SHOWN, _sizes(figures), strict=True)]
        lines = [
            f"{figures['pid']} {self._name}  {duration(figures['time_s'])}  "
            f"CPU {figures['cpu_percent']:.0f} %",
            "  ".join(pairs),
            f"children {figures['children']}, RSS {size(figures['children_rss_bytes'])}",
            f"system {size(system['total_bytes'])}, {size(system['available_bytes'])} available, "
            f"swap {size(system['swap_used_bytes'])} of {size(system['swap_total_bytes'])}",
        ]
        busiest = sorted(figures["thread_list"], key=lambda thread: -thread["cpu_s"])
        for thread in busiest[:_MOST_THREADS]:
            name = thread["name"] or "?"
            lines.append(f"  thread {thread['id']}  {thread['cpu_s']:.2f} s CPU  {name}")
        if len(busiest) > _MOST_THREADS:
            lines.append(f"  and {len(busiest) - _MOST_THREADS} more threads")
        return lines

    def close(self) -> None:
        """The last block stays."""


def _columns() -> int:
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def _sizes(figures: dict[str, Any]) -> list[str]:
    keys = ("rss_bytes", "pss_bytes", "uss_bytes", "vms_bytes", "shared_bytes", "swap_bytes")
    return ["?" if figures[key] is None else size(figures[key]) for key in keys]

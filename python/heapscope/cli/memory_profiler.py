# ruff: noqa: PTH113, PTH118
"""The command line of ``python -m heapscope.memory_profiler``, which is memory_profiler's."""

from __future__ import annotations

import argparse
import os

import heapscope
from heapscope.cli import lines
from heapscope.cli.command_error import CommandError
from heapscope.cli.lines_invocation import LinesInvocation
from heapscope.cli.main import guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_BACKENDS = ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc")
_MIB = float(1 << 20)
_USAGE = "python -m heapscope.memory_profiler [OPTIONS] SCRIPT.py|MODULE ARGS…"


def main(arguments: list[str]) -> int:
    """Run a program and print its tables; the options are memory_profiler's.

    Returns
    -------
    int
        The program's exit code; 2 for wrong usage.
    """
    return guard(_run, arguments)


def _run(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    if not options.program:
        raise CommandError(f"a program to run must be provided: {_USAGE}")
    target, *rest = options.program
    found = LinesInvocation()
    found.precision = max(options.precision, 0)
    found.output = options.out_filename
    found.allocations = False
    if target.endswith(".py"):
        found.script = _find_script(target)
        found.program = [found.script, *rest]
    else:
        found.program = ["-m", target, *rest]
    if options.max_mem is not None:
        found.pdb_at = max(int(options.max_mem * _MIB), 1)
    found.stamps = options.timestamp
    return lines.run_program(found, append=True)


def _parser() -> argparse.ArgumentParser:
    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise CommandError(f"{message}: {_USAGE}")

    parser = Parser(
        prog="python -m heapscope.memory_profiler",
        usage=_USAGE,
        description="Runs a program with `profile` as a builtin and prints, after it, what each "
        "line of the functions that are marked with it did to memory.",
        epilog="example:\n  python -m heapscope.memory_profiler -o lines.txt example.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--version", action="version", version=heapscope.__version__)
    add(
        "--pdb-mmem",
        dest="max_mem",
        metavar="MAXMEM",
        type=float,
        help="stop in the debugger when RSS passes so many MiB",
    )
    add("--precision", type=int, default=3, help="digits behind the point of MiB (default: 3)")
    add("-o", dest="out_filename", help="a file that the tables are added to")
    add(
        "--timestamp",
        action="store_true",
        help="write when functions began and ended, as mprof reads it, and no tables",
    )
    add("--include-children", action="store_true", help="accepted: lines are of the program itself")
    add(
        "--backend",
        choices=_BACKENDS,
        default="psutil",
        help="accepted: increments come from the allocator",
    )
    add(
        "program",
        nargs=argparse.REMAINDER,
        help="a script (NAME.py) or a module, and its arguments",
    )
    return parser


def _find_script(name: str) -> str:
    """Find a script here or, as memory_profiler does, in PATH."""
    if os.path.isfile(name):
        return name
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if folder and os.path.isfile(path):
            return path
    raise CommandError(f"cannot run {name!r}: no such file here or in PATH")

"""The command line of ``heapscope heap``: what to look at, and what to ask of it."""

from __future__ import annotations

import os

from heapscope.cli import program_options
from heapscope.cli.heap_reading import is_snapshot
from heapscope.cli.options import Parser, positive

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

__all__ = ["GROUPS", "Target", "parse"]

GROUPS = ("type", "class", "module", "size", "referrers", "via", "site", "generation", "id")
_VALUED = frozenset(
    {"--by", "--limit", "--paths", "--compare", "--output", "--without", "--capture"}
)
_DESCRIPTION = """\
What lives in a Python program: objects by type with own and retained bytes, who holds them, what
looks like a leak.

Runs a program as `python` does and looks at its heap when it ends, asks a running process that was
started with --on-signal, or reads a snapshot that was saved."""
_EXAMPLE = """\
  heapscope heap work.py --size 100
  heapscope heap -o work.hsnap --at-peak work.py
  heapscope heap --paths Lesson work.hsnap
  heapscope heap --compare before.hsnap after.hsnap"""


class Target:
    """What is looked at: exactly one of these is not None.

    Attributes
    ----------
    path : str or None
        A snapshot.
    process : int or None
        A running process.
    program : list of str or None
        ``[SCRIPT, ARGS…]``, ``["-m", MODULE, ARGS…]`` or ``["-c", CODE, ARGS…]``.
    """

    def __init__(
        self,
        *,
        path: str | None = None,
        process: int | None = None,
        program: list[str] | None = None,
    ) -> None:
        self.path = path
        self.process = process
        self.program = program


def parse(arguments: list[str]) -> tuple[argparse.Namespace, Target]:
    """Read the arguments after the verb.

    Raises
    ------
    CommandError
        Wrong usage.
    """
    parser = _parser()
    own, program = program_options.split(arguments, "qh", "o", _VALUED, modules=True)
    target = _target(program)
    if target.program is None:
        own, program = own + program[1:], []  # options may follow a file or a process
    options = parser.parse_args(own)
    if target.path is None and target.process is None and target.program is None:
        parser.error("nothing to look at: give SCRIPT.py, -m MODULE, -c CODE, PID or a snapshot")
    if target.program is None:
        for name in ("at_exit", "on_memory_error", "on_signal", "at_peak"):
            if getattr(options, name):
                option = "--" + name.replace("_", "-")
                parser.error(f"{option} is for a program that is run")
    return options, target


def _target(program: list[str]) -> Target:
    if not program:
        return Target()
    first = program[0]
    if not first.startswith("-") and is_snapshot(first):
        return Target(path=first)
    if first.isascii() and first.isdigit() and not os.path.exists(first):  # noqa: PTH110
        return Target(process=int(first))
    return Target(program=program)


def _parser() -> Parser:
    parser = Parser("heap", _DESCRIPTION, _EXAMPLE, captures="")
    parser.usage = (
        "heapscope heap [options] SCRIPT.py ARGS…\n"
        "       heapscope heap [options] -m MODULE ARGS… | -c CODE ARGS…\n"
        "       heapscope heap [options] PID\n"
        "       heapscope heap [options] SNAPSHOT.hsnap"
    )
    asked = parser.add_argument_group("what is asked")
    asked.add_argument(
        "--by",
        choices=GROUPS,
        default="type",
        metavar="GROUP",
        help=f"what a row is: {', '.join(GROUPS)} (default: type)",
    )
    asked.add_argument(
        "--retained",
        action="store_true",
        help="order by what each row retains: the bytes that go when all its objects go",
    )
    asked.add_argument("--limit", type=positive, metavar="N", help="at most N rows")
    asked.add_argument(
        "--paths", metavar="TYPE", help="who holds the objects of a type, and the shortest paths"
    )
    asked.add_argument("--roots", action="store_true", help="what everything is held by")
    asked.add_argument("--suspects", action="store_true", help="what looks like a leak or a waste")
    asked.add_argument("--cycles", action="store_true", help="reference cycles, by their types")
    asked.add_argument(
        "--code-cycles",
        action="store_true",
        help="those of classes, functions and modules, which --cycles only counts",
    )
    asked.add_argument(
        "--compare", metavar="OTHER", help="what changed since another snapshot (an earlier one)"
    )
    asked.add_argument("--browse", action="store_true", help="look around, full screen")
    when = parser.add_argument_group("when, in a program that is run")
    when.add_argument("--at-exit", action="store_true", help="when it ends (default)")
    when.add_argument(
        "--at-peak",
        action="store_true",
        help="each time its heap passes the last snapshot's by 10 %%; the last one counts",
    )
    when.add_argument("--on-memory-error", action="store_true", help="at its first MemoryError")
    when.add_argument(
        "--on-signal",
        nargs="?",
        const="USR2",
        metavar="SIGNAL",
        help="when it gets a signal (default: USR2), as from `heapscope heap PID`",
    )
    parser.add_argument("-o", "--output", metavar="FILE.hsnap", help="keep the snapshot, there")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    return parser

"""What the command lines of ``timeline`` and ``mprof`` share: reading and running them."""

from __future__ import annotations

import os
import shutil
import sys

from heapscope.cli import invocation
from heapscope.cli.command_error import DAMAGED, CommandError
from heapscope.cli.main import say
from heapscope.cli.units import duration, size
from heapscope.errors import HeapscopeError
from heapscope.timeline import dat_reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.timeline.dat_reader import Timeline
    from heapscope.timeline.recording import Recorded

LEAST_INTERVAL = 0.001


def interval(text: str) -> float:
    """Read a number of seconds between samples for argparse."""
    return _seconds(text, LEAST_INTERVAL, "an interval of at least 0.001 seconds")


def seconds(text: str) -> float:
    """Read a duration for argparse."""
    return _seconds(text, 0.0, "a number of seconds")


def _seconds(text: str, least: float, what: str) -> float:
    import argparse

    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value < 1e9:
        raise argparse.ArgumentTypeError(f"not {what}: {text!r}")
    return value


def window(text: str) -> tuple[float, float]:
    """Read ``a,b``, seconds from the start, for argparse."""
    import argparse

    try:
        start, end = map(float, text.split(","))
    except ValueError:
        start = end = 0.0
    if not (-1e9 < start < end < 1e9):
        raise argparse.ArgumentTypeError(f"not two times like 0,20.5: {text!r}")
    return start, end


def read(path: str) -> Timeline:
    """Read a .dat file, or end with one line."""
    try:
        return dat_reader.read(path)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None


def remark(timeline: Timeline, *, quiet: bool) -> int:
    """Say what is missing of a file, and return the verb's exit code."""
    name = os.path.basename(timeline.path)  # noqa: PTH119 - any name
    if timeline.damaged_lines:
        more = timeline.damaged_lines - 1
        others = f" (and {more:,} more)" if more else ""
        say(f"{name} is damaged: {timeline.damage[0]}{others}; the rest was read")
        return DAMAGED
    if not quiet:
        for what in timeline.left_out:
            say(f"{name}: {what}")
    return 0


class Program:
    """A program to run.

    Parameters
    ----------
    words : list of str
        As given: ``EXECUTABLE ARGS…``, ``SCRIPT.py ARGS…``, ``-m MODULE ARGS…`` or
        ``-c CODE ARGS…``; the last three run with this interpreter.
    python : bool or None
        True: a word that is no executable's is a script's or a module's; False: all is executable;
        None: decided by the first word.

    Attributes
    ----------
    executable : str
        The path of what is started.
    arguments : list of str
        Its arguments, its name first.
    shown : list of str
        What the file calls it.
    is_python : bool
        Whether it runs with this interpreter, or another named python.

    Raises
    ------
    CommandError
        There is no such program.
    """

    def __init__(self, words: list[str], python: bool | None = None) -> None:
        if not words:
            raise CommandError("nothing to run: give a program, SCRIPT.py, -m MODULE or -c CODE")
        first = words[0]
        self.shown = list(words)
        ours = python is not False and (first.endswith(".py") or first[:2] in ("-m", "-c"))
        if ours or (python and not _is_python(first)):
            if not sys.executable:
                raise CommandError("this interpreter does not know its own path")
            if first.endswith(".py") and not os.path.isfile(first):  # noqa: PTH113
                raise CommandError(f"cannot run {first!r}: no such file")
            program = list(words)
            if not (ours or os.path.isfile(first)):  # noqa: PTH113
                program = ["-m", *words]
            self.executable = sys.executable
            self.arguments = [sys.executable, *invocation.interpreter_options(), *program]
            self.shown = ["python", *program]
            self.is_python = True
            return
        found = shutil.which(first)
        if found is None:
            there = os.path.exists(first)  # noqa: PTH110
            reason = "it is not executable" if there else "no such program"
            raise CommandError(f"cannot run {first!r}: {reason}")
        self.executable = found
        self.arguments = list(words)
        self.is_python = _is_python(first)


def _is_python(word: str) -> bool:
    return os.path.basename(word).startswith("python")  # noqa: PTH119


def exit_code(recorded: Recorded) -> int:
    """Return what a verb that ran a program ends with."""
    status = recorded.status
    if status is None:
        return 1
    return status if status >= 0 else 128 - status


def announce(recorded: Recorded, *, quiet: bool, verb: str) -> None:
    """Say where the file is, and what the highest was."""
    if recorded.failure is not None:
        say(f"{recorded.path} is not whole: {recorded.failure}")
    if quiet:
        return
    if not recorded.peak:
        say(f"{recorded.path}: the program ended before it could be looked at")
        return
    say(
        f"peak {size(recorded.peak)} after {duration(recorded.peak_after_s)} of "
        f"{duration(recorded.duration_s)}, recorded in {recorded.path}; next: heapscope {verb} "
        f"plot {recorded.path}"
    )


def find_process(hint: str, *, first: bool) -> int:
    """Return the process that a number or a name means.

    Parameters
    ----------
    hint : str
        A process id, or a process's name; where no name is equal, a part of one.
    first : bool
        Of several take the one with the lowest id, else refuse to choose.

    Raises
    ------
    CommandError
        There is none, or there are several.
    """
    if hint.isdigit():
        return int(hint[:18])
    import psutil

    own = {os.getpid(), os.getppid()}
    equal, like = [], []
    for process in psutil.process_iter(["pid", "name"]):
        name, number = process.info["name"] or "", process.info["pid"]
        if number in own:
            continue
        if name == hint:
            equal.append(number)
        elif hint in name:
            like.append(number)
    found = sorted(equal or like)
    if not found:
        raise CommandError(f"no process is called {hint!r}")
    if len(found) > 1 and not first:
        shown = ", ".join(map(str, found[:8])) + (", …" if len(found) > 8 else "")
        raise CommandError(f"{len(found)} processes are called {hint!r}: {shown}; give one's id")
    return int(found[0])

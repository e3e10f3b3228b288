"""Running programs, and saying what is being done."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tools.house.layout import ROOT


class Problem(Exception):
    """What stops a verb: one line for the user, and the exit code.

    Parameters
    ----------
    message
        What is wrong, where, and what to do.
    code
        2 where the machine lacks something, 1 where a step failed.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def say(text: str) -> None:
    """Prints a line at once, so that it stands before the output of what follows."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Says what begins and, when it took a second or more, how long it took.

    What is done beside the rest, in another thread, is said in one line when it is done.
    """
    beside = threading.current_thread() is not threading.main_thread()
    if not beside:
        say(f"== {title}")
    begin = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - begin
        if beside:
            say(f"== beside: {title}: {seconds:.1f} s")
        elif seconds >= 1:
            say(f"   {seconds:.1f} s")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every program started: no Python settings of the caller leak in."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "HEAPSCOPE_"))
        and name not in {"VIRTUAL_ENV", "MAKEFLAGS"}
    }
    inherited["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    inherited["PIP_ROOT_USER_ACTION"] = "ignore"
    return {**inherited, **(extra or {})}


def run(
    command: Sequence[str | pathlib.Path],
    *,
    extra: Mapping[str, str] | None = None,
    directory: pathlib.Path = ROOT,
) -> int:
    """Runs a program with its output shown; its exit code."""
    sys.stdout.flush()
    return subprocess.run(
        [str(part) for part in command], env=environment(extra), cwd=directory, check=False
    ).returncode


def run_captured(
    command: Sequence[str | pathlib.Path],
    *,
    extra: Mapping[str, str] | None = None,
    directory: pathlib.Path = ROOT,
    most_seconds: float | None = None,
) -> tuple[int, str]:
    """Runs a program, killed after `most_seconds`; its exit code, and all that it wrote."""
    with subprocess.Popen(
        [str(part) for part in command],
        env=environment(extra),
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as running:
        try:
            output, _ = running.communicate(timeout=most_seconds)
        except subprocess.TimeoutExpired:
            running.kill()
            output = running.communicate()[0] + f"\nkilled after {most_seconds} s\n"
        return running.returncode, output


def run_quietly(
    command: Sequence[str | pathlib.Path],
    *,
    extra: Mapping[str, str] | None = None,
    directory: pathlib.Path = ROOT,
) -> None:
    """Runs a program whose output matters only when it fails; then a `Problem`."""
    code, output = run_captured(command, extra=extra, directory=directory)
    if code != 0:
        say(output.rstrip())
        shown = " ".join(str(part) for part in command[:4]).splitlines()[0]
        raise Problem(f"`{shown} …` failed with exit code {code}; its output is above.")

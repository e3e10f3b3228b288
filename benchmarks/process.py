"""Runs one program and tells what it cost, as its parent sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a finished program cost.

    Attributes
    ----------
    exit_code : int
        Its exit code, -n for signal n.
    wall_s : float
        Seconds from its start to its end.
    cpu_s : float
        User and system seconds of the program and of every child that it waited for.
    complaint : str
        The end of its stderr.
    """

    exit_code: int
    wall_s: float
    cpu_s: float
    complaint: str


def cost(command: Sequence[str], variables: Mapping[str, str], timeout_s: float = 600.0) -> Cost:
    """Run `command`, its output thrown away, and wait for it; it is killed after `timeout_s`."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        timer = threading.Timer(timeout_s, _kill_session, [process.pid])
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
        end = time.perf_counter()
        process.returncode = os.waitstatus_to_exitcode(status)
        size = errors.seek(0, os.SEEK_END)
        errors.seek(max(0, size - 2000))
        complaint = errors.read().decode(errors="replace")
    return Cost(process.returncode, end - start, usage.ru_utime + usage.ru_stime, complaint)


def _kill_session(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)

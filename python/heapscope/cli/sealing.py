"""What ``run`` does with a capture after the program's end.

Imported while the program runs, so that its imports cost nobody time.
"""

from __future__ import annotations

import os

from heapscope.cli.main import say
from heapscope.cli.units import count, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heapscope import _analysis
    from heapscope.cli.supervisor import Supervisor

_missing = ""
try:
    from heapscope import _analysis
    from heapscope.errors import HeapscopeError
except ImportError as error:  # said at the end: the program runs by now
    _missing = str(error)


def finish(path: str, status: int | None, program: Supervisor, *, announce: bool) -> None:
    """Seal a capture, note how the program ended, and say what its reader must know.

    Parameters
    ----------
    path : str
        The live capture. If it cannot be sealed it stays as it is, which every reader accepts.
    status : int or None
        The exit code, -n for signal n, None when unknown.
    program : Supervisor
        What saw it run: its samples of RSS and the kernel's account of the highest are added.
    announce : bool
        Name the capture and the next thing to do.
    """
    if _missing:
        say(f"{_short(path)} was recorded but not sealed: {_missing}")
        return
    try:
        highest, samples = program.max_rss_bytes, program.sampler.samples
        known = {} if highest is None else {"max_rss_bytes": str(highest)}
        _analysis.seal(path, exit_status=status, metadata=known, rss_samples=samples)
    except (HeapscopeError, OSError, RuntimeError, MemoryError) as error:
        say(f"{error}; it was recorded but not sealed, which costs space only")
    try:
        summary = _analysis.Capture(path).summary()
    except (HeapscopeError, OSError, RuntimeError, MemoryError) as error:
        say(f"{error}")
        return
    say_losses(summary["tracker"])
    if announce:
        name = _short(path)
        peak = size(summary["peak_bytes"])
        say(f"peak {peak}, recorded in {name}; next: heapscope summary {name}")


class RssWatch:
    """Tells a program's tracker of an RSS that passed a limit; the tracker may be the last to know.

    Parameters
    ----------
    path : str
        The capture that it writes.
    limits : list of int
        In bytes.
    """

    def __init__(self, path: str, limits: list[int]) -> None:
        self._path = path
        self._limits = limits

    def __call__(self, rss: int) -> None:
        """Look at an RSS."""
        passed = [limit for limit in self._limits if rss > limit]
        if not passed:
            return
        try:
            from heapscope import _tracker

            file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if os.pread(file, 8, 0) != b"HSCOPEL\n":
                    return
                os.pwrite(file, rss.to_bytes(8, "little"), _tracker.RSS_SEEN_OFFSET)
            finally:
                os.close(file)
        except (OSError, ImportError):  # not there yet, or no more
            return
        self._limits = [limit for limit in self._limits if limit not in passed]


def say_snapshot(place: str | None, limit: int) -> None:
    """Say where a snapshot is, or that there is none."""
    if place is not None:
        say(f"at {size(limit)} a snapshot was kept in {_short(place)}")
    else:
        say(f"neither heap nor RSS passed {size(limit)}: there is no snapshot")


def say_losses(tracker: dict[str, Any]) -> None:
    """Say what is missing in a capture, and why."""
    lost = tracker["events_lost"]
    if not lost and not tracker["disk_full"]:
        return
    reason = ""
    if tracker["disk_full"]:
        reason = ": the disk was full"  # no event lost: stacks were folded
    elif tracker["out_of_memory"]:
        reason = ": there was no memory for the tracker"
    say(f"the capture is incomplete, {count(lost)} events were lost{reason}")


def say_unrecorded() -> None:
    """Say at the end what was said at the start: there is no capture."""
    say("the program ran without being recorded: there is no capture")


def _short(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative

"""Checkpoints: what the process has used up to a line of a program, and between two lines.

Figures are the system's, of the whole process. Standard library only, and little of it: a
checkpoint costs some 50 us, starts nothing, and needs no tracking.
"""

from __future__ import annotations

import sys
import time

from heapscope.cli.units import size
from heapscope.process_figures import processor_times, read_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["Checkpoint", "CheckpointDifference", "using"]


class _Figures:
    """What a checkpoint and a difference have in common: the fields, and how they are written."""

    __slots__ = (
        "label",
        "peak_rss_bytes",
        "rss_bytes",
        "swap_bytes",
        "system_s",
        "time_s",
        "user_s",
    )

    label: str
    time_s: float
    user_s: float
    system_s: float
    rss_bytes: int | None
    peak_rss_bytes: int | None
    swap_bytes: int | None

    def __repr__(self) -> str:
        return f"<heapscope.{type(self).__name__} {self}>"

    def _write(self, seconds: str, bytes_: str) -> str:
        """Write the line; the formats are those of seconds and of a size's sign."""

        def written(count: int | None) -> str:
            if count is None:
                return "unknown"
            sign = "+" if bytes_ and count > 0 else ""
            return sign + size(count)

        label = f"{self.label}: " if self.label else ""
        return (
            f"{label}user {self.user_s:{seconds}} s, system {self.system_s:{seconds}} s, "
            f"RSS {written(self.rss_bytes)}, peak RSS {written(self.peak_rss_bytes)}, "
            f"swap {written(self.swap_bytes)}"
        )


class Checkpoint(_Figures):
    """What the process has used up to now.

    Two of them subtract: ``after - before`` has the same fields, each the difference.

    Parameters
    ----------
    label : str
        A name for this moment.

    Attributes
    ----------
    label : str
        As given.
    time_s : float
        When it was, on a clock that only two checkpoints of the same system can be compared by.
    user_s, system_s : float
        Processor time of all threads.
    rss_bytes, peak_rss_bytes, swap_bytes : int or None
        Resident memory, its highest so far, and what is swapped out. None where the system does
        not tell.

    Examples
    --------
    >>> before = heapscope.Checkpoint("before")          # doctest: +SKIP
    >>> table = load()                                    # doctest: +SKIP
    >>> print(heapscope.Checkpoint("loaded") - before)   # doctest: +SKIP
    before → loaded: 0.412 s, user +0.391 s, system +0.019 s, RSS +81.5 MiB, …
    """

    __slots__ = ()

    def __init__(self, label: str = "") -> None:
        self.user_s, self.system_s = processor_times()
        status = read_status()
        self.label = label
        self.time_s = time.monotonic()
        self.rss_bytes = status.rss_bytes
        self.peak_rss_bytes = status.peak_rss_bytes
        self.swap_bytes = status.swap_bytes

    def __sub__(self, earlier: Checkpoint) -> CheckpointDifference:
        if not isinstance(earlier, Checkpoint):
            return NotImplemented
        return CheckpointDifference(earlier, self)

    def __str__(self) -> str:
        return self._write(".3f", "")


class CheckpointDifference(_Figures):
    """What a process used between two checkpoints: each field is the later's less the earlier's.

    ``label`` names both. ``peak_rss_bytes`` is by how much the highest resident memory rose: 0
    where it was higher before. None where either of the two is None.
    """

    __slots__ = ()

    def __init__(self, earlier: Checkpoint, later: Checkpoint) -> None:
        both = earlier.label, later.label
        self.label = " → ".join(filter(None, both))
        self.time_s = later.time_s - earlier.time_s
        self.user_s = later.user_s - earlier.user_s
        self.system_s = later.system_s - earlier.system_s
        self.rss_bytes = _less(later.rss_bytes, earlier.rss_bytes)
        self.peak_rss_bytes = _less(later.peak_rss_bytes, earlier.peak_rss_bytes)
        self.swap_bytes = _less(later.swap_bytes, earlier.swap_bytes)

    def __str__(self) -> str:
        label = f"{self.label}: " if self.label else ""
        line = self._write("+.3f", "+")
        return f"{label}{self.time_s:.3f} s, {line[len(label) :]}"


def using(label: str = "", *, stream: TextIO | None = None) -> str:
    """Tell what the process has used so far, in one line.

    Parameters
    ----------
    label : str
        A name for this moment; the line begins with it.
    stream : text file, optional
        Where the line goes; stderr if absent.

    Returns
    -------
    str
        The line: processor time in user mode and in the kernel, resident memory now and at its
        highest, and what is swapped out.

    Examples
    --------
    >>> heapscope.using("loaded")  # doctest: +SKIP
    'loaded: user 0.523 s, system 0.081 s, RSS 48.2 MiB, peak RSS 97.1 MiB, swap 0 B'
    """
    line = str(Checkpoint(label))
    target = sys.stderr if stream is None else stream
    if target is not None:  # a program without a console has no stderr
        target.write(line + "\n")
    return line


def _less(later: int | None, earlier: int | None) -> int | None:
    return None if later is None or earlier is None else later - earlier

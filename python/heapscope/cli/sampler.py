"""Looks at a program's resident memory from outside, while the supervisor waits for its end.

The tracker reads RSS when the program allocates; this is for when it does not: a sleep, a C
function that fills what it has, memory that no hook saw. ``/proc/PID/status`` also tells the
highest RSS there ever was, so a peak between two samples is noticed by the second.

A look costs some 50 us and happens every 20 ms at first, less often where it is dearer than that:
it measures itself and takes at most a quarter of a per cent of a processor. When there are 2,048
samples neighbours become one and the interval doubles, so that a run of any length keeps at most
as many. PSS, which makes the kernel look at every page, is read no more often than that it costs
a tenth of a per cent.

Only modules that an interpreter has at start-up are used.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Sample = tuple[int, int, int, int, int | None]

_FIRST_INTERVAL_NS = 20_000_000
_MOST_SAMPLES = 2048
_PSS_AFTER_NS = 200_000_000
_SELDOM = 400  # times the processor time of a look
_PSS_SELDOM = 1000
_LONGEST = 8  # intervals: a look that cost very much was not the last


class Sampler:
    """The samples of one process.

    Parameters
    ----------
    process : int
        Its id. Where it cannot be looked at there are no samples.

    Attributes
    ----------
    samples : list of (int, int, int, int, int or None)
        CLOCK_MONOTONIC nanoseconds, RSS, the highest RSS since the sample before, what of RSS is
        files and shared memory, PSS where it was read: all in bytes.
    watch : callable, optional
        Is called with the highest RSS since the sample before, at each.
    """

    def __init__(self, process: int) -> None:
        self.samples: list[Sample] = []
        self.watch: Callable[[int], None] | None = None
        self._directory = f"/proc/{process}/"
        self._interval = _FIRST_INTERVAL_NS
        self._highest = 0
        self._next = time.monotonic_ns()
        self._next_pss = self._next + _PSS_AFTER_NS
        self._rested: int | None = None  # processor time when the last look was over
        self._status = -1
        try:
            self._status = os.open(self._directory + "status", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._next_pss = -1

    def wait_s(self) -> float:
        """Return how long to wait for the next look."""
        if self._status < 0:
            return 3600.0
        return max(self._next - time.monotonic_ns(), 0) / 1e9

    def look(self) -> None:
        """Take a sample if it is time."""
        now = time.monotonic_ns()
        if self._status < 0 or now < self._next:
            return
        self._next = now + self._interval
        try:
            text = os.pread(self._status, 4096, 0)
            rss, highest = _figure(text, b"\nVmRSS:"), _figure(text, b"\nVmHWM:")
            shared = _figure(text, b"\nRssFile:") + _figure(text, b"\nRssShmem:")
        except (OSError, ValueError):  # it has ended
            return
        peak = rss
        if highest > self._highest:
            # The kernel's highest lies since the last look, or before the first.
            self._highest = highest
            peak = max(rss, highest)
        spent = time.process_time_ns()
        cost = 0 if self._rested is None else spent - self._rested
        self._next = now + min(max(self._interval, _SELDOM * cost), _LONGEST * self._interval)
        self.samples.append((now, rss, peak, min(shared, rss), self._pss(now)))
        if self.watch is not None:
            self.watch(peak)
        self._rested = time.process_time_ns()
        if len(self.samples) >= _MOST_SAMPLES:
            self._halve()

    def close(self) -> None:
        """Give the file back."""
        if self._status >= 0:
            os.close(self._status)
        self._status = -1

    def _pss(self, now: int) -> int | None:
        if not 0 <= self._next_pss <= now:
            return None
        try:
            file = os.open(self._directory + "smaps_rollup", os.O_RDONLY | os.O_CLOEXEC)
            try:
                text = os.read(file, 4096)
            finally:
                os.close(file)
            pss = _figure(text, b"\nPss:")
        except (OSError, ValueError):
            self._next_pss = -1
            return None
        ended = time.monotonic_ns()
        self._next_pss = ended + _PSS_SELDOM * (ended - now)
        return pss

    def _halve(self) -> None:
        merged: list[Sample] = []
        for index in range(0, len(self.samples) - 1, 2):
            earlier, later = self.samples[index], self.samples[index + 1]
            pss = later[4] if later[4] is not None else earlier[4]
            merged.append((*later[:2], max(earlier[2], later[2]), later[3], pss))
        self.samples = merged + self.samples[2 * len(merged) :]
        self._interval *= 2


def _figure(text: bytes, label: bytes) -> int:
    """Return the bytes that a line of kB tells.

    Raises
    ------
    ValueError
        There is no such line.
    """
    start = text.index(label) + len(label)
    return int(text[start : text.index(b" kB", start)]) * 1024

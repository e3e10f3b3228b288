"""Tells of a program's highest resident memory while it runs, from outside.

The kernel keeps the maximum (VmHWM), so nothing is missed between two looks, and no thread of the
program has to run for it: it is told while a C function holds the GIL for seconds, too.

A maximum is told at once when it is a tenth above the last one told, and a smaller rise, of at
least a hundredth, when a second has passed: a program that grows from 10 MiB to 10 GiB has some 70
lines at the least, and one a second at the most beside them.

Only modules that an interpreter has at start-up are used.
"""

from __future__ import annotations

import time

from heapscope.cli.main import say
from heapscope.cli.sampler import Sampler
from heapscope.cli.units import size

_LEAST_RISE = 1 << 20  # bytes: no smaller one is told while the program runs
_AT_ONCE = 10  # the last maximum divided by that
_LATER = 100
_LATER_S = 1.0


class Watcher(Sampler):
    """A sampler that says each new maximum on stderr."""

    def __init__(self, process: int) -> None:
        super().__init__(process)
        self._started = self._told_at = time.monotonic()
        self._told = 0

    def look(self) -> None:
        """Take a sample if it is time, and tell of it if it is a new maximum."""
        super().look()
        rise = self._highest - self._told
        if rise < _LEAST_RISE:
            return
        now = time.monotonic()
        patient = now - self._told_at < _LATER_S
        if rise >= self._told // (_AT_ONCE if patient else _LATER):
            self._tell(self._highest, now)

    def finish(self, highest: int | None) -> None:
        """Tell the last maximum, which the kernel knows when the program has ended."""
        last = max(self._highest, highest or 0)
        if last > self._told and size(last) != size(self._told):
            self._tell(last, time.monotonic())

    def _tell(self, highest: int, now: float) -> None:
        self._told, self._told_at = highest, now
        say(f"{now - self._started:8.2f} s  max RSS {size(highest)}")

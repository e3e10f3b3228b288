"""The exact bytes of one request, whatever threads it runs on.

A synchronous request runs on one thread, and what that thread allocates meanwhile is the
request's. An asynchronous one runs in pieces on the thread of the event loop, between those of
others, and synchronous code of it on a thread that Django gives to each request: both are metered.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from heapscope.meters import open_meter

if TYPE_CHECKING:
    from heapscope._tracker import Meter


class PieceMeter:
    """Sums what was metered between `start` and `stop`, any number of times.

    Attributes
    ----------
    allocated_bytes, freed_bytes, allocations, frees : int
        Of all pieces.
    peak_bytes : int
        The highest net at any moment of any piece.
    known : bool
        False where the process is not tracked, or tracking was stopped in between.
    """

    __slots__ = (
        "_meter", "allocated_bytes", "allocations", "freed_bytes", "frees", "known", "peak_bytes",
    )  # fmt: skip

    def __init__(self) -> None:
        self._meter: Meter | None = open_meter()  # type: ignore[assignment]
        self.known = self._meter is not None
        self.allocated_bytes = self.freed_bytes = 0
        self.allocations = self.frees = 0
        self.peak_bytes = 0

    @property
    def net_bytes(self) -> int:
        """Allocated less freed."""
        return self.allocated_bytes - self.freed_bytes

    def start(self) -> None:
        """Meter the calling thread from here."""
        if self._meter is not None:
            try:
                self._meter.start()
            except RuntimeError:
                self._lose()

    def stop(self) -> None:
        """Stop, on the same thread, and add."""
        if self._meter is None:
            return
        try:
            reading = self._meter.stop()
        except RuntimeError:  # tracking was stopped: unknown, not 0
            self._lose()
            return
        self.peak_bytes = max(self.peak_bytes, self.net_bytes + reading.peak_bytes)
        self.allocated_bytes += reading.allocated_bytes
        self.freed_bytes += reading.freed_bytes
        self.allocations += reading.allocations
        self.frees += reading.frees

    def _lose(self) -> None:
        meter, self._meter, self.known = self._meter, None, False
        with contextlib.suppress(RuntimeError):
            if meter is not None:
                meter.stop()

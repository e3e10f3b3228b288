"""One request while it runs, on the threads that it runs on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from heapscope.django.metering import PieceMeter

if TYPE_CHECKING:
    from heapscope.django.census import Census
    from heapscope.django.lines import ProjectLines
    from heapscope.django.records import Record


class Watch:
    """One request while it runs: `go_on` and `rest` around each piece, `end` once."""

    __slots__ = ("_beside", "_lines", "_meter", "_open", "_started", "before", "record")

    def __init__(
        self, record: Record, lines: ProjectLines | None, before: Census | None = None
    ) -> None:
        self.record = record
        self.before = before
        self._lines = lines
        self._meter = PieceMeter()
        self._beside: Beside | None = None
        self._open = False
        if lines is not None and self._meter.known:
            lines.begin()
        else:
            self._lines = None
        self._started = time.perf_counter()

    def beside(self) -> Beside:
        """Return what meters the thread of the request's synchronous code."""
        self._beside = Beside(self._lines)
        return self._beside

    def go_on(self) -> None:
        """Meter this thread from here: what follows is the request's."""
        if self._lines is not None:
            self._open = self._lines.open_thread()
        self._meter.start()

    def rest(self) -> None:
        """Meter it no more, for now or for good."""
        self._meter.stop()
        if self._open and self._lines is not None:
            self._lines.close_thread()
            self._open = False

    def end(self) -> None:
        """Fill the record in."""
        if self._lines is not None:
            self.record.lines = self._lines.end()
            self._lines = None
        self.note()

    def note(self, *, sent: bool = False) -> None:
        """Take over what was metered so far; sending takes as long as the reader does."""
        record, meters = self.record, [self._meter]
        if record.streamed or not sent:
            record.elapsed_s = time.perf_counter() - self._started
        if self._beside is not None:
            meters.append(self._beside.meter)
        if not all(meter.known for meter in meters):
            record.net_bytes = record.peak_bytes = None
            record.allocated_bytes = record.freed_bytes = None
            record.allocations = record.frees = None
            return
        record.net_bytes = sum(meter.net_bytes for meter in meters)
        record.allocated_bytes = sum(meter.allocated_bytes for meter in meters)
        record.freed_bytes = sum(meter.freed_bytes for meter in meters)
        record.allocations = sum(meter.allocations for meter in meters)
        record.frees = sum(meter.frees for meter in meters)
        record.peak_bytes = max(record.net_bytes, *(meter.peak_bytes for meter in meters))
        record.peak_is_least = sum(meter.allocations > 0 for meter in meters) > 1


class Beside:
    """The metering of the thread that synchronous code of an asynchronous request runs on."""

    __slots__ = ("_lines", "_open", "_thread", "meter")

    def __init__(self, lines: ProjectLines | None) -> None:
        self._lines = lines
        self._open = False
        self._thread = 0
        self.meter = PieceMeter()

    def go_on(self) -> None:
        """Meter the thread that this is called on."""
        self._thread = threading.get_ident()
        if self._lines is not None:
            self._open = self._lines.open_thread()
        self.meter.start()

    def rest(self) -> None:
        """Meter it no more; called on the same thread."""
        if threading.get_ident() != self._thread:  # asgiref gave up the thread: nothing is known
            self.meter.known = False
            return
        self.meter.stop()
        if self._open and self._lines is not None:
            self._lines.close_thread()

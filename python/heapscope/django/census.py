"""The objects of the process by type, counted before and after some of the requests.

A census walks the whole heap (some 100 ms in a process of Django's size, while nothing else runs),
so it is taken around every Nth request, and around those that ask for it. The first one is kept to
compare with, and so is the last: what grew between them, who holds it and where it was allocated
is on the page.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapscope.django.options import has_token, is_near

if TYPE_CHECKING:
    from django.http import HttpRequest

    from heapscope.django.options import Options

    Counts = dict[str, tuple[int, int]]  # objects and bytes by type

ASK_HEADER = "X-Heapscope-Census"
_MOST_GROWTH = 30  # rows kept of a request
_SERIES = 30  # censuses whose counts are kept


@dataclass
class Census:
    """One walk of the heap.

    Attributes
    ----------
    number : int
        The request after which it was taken.
    at : float
        When, in seconds since 1970.
    seconds : float
        How long the process stood still for it.
    graph : HeapGraph
        The objects.
    """

    number: int
    at: float
    seconds: float
    graph: Any

    def counts(self) -> Counts:
        """Return objects and bytes by type, of what is reached from roots."""
        rows = self.graph.partition(self.graph.everything(), "type")
        return {row["kind"]: (row["count"], row["bytes"]) for row in rows}


class Censuses:
    """When a census is taken, the first and the last, and the counts of those between.

    Parameters
    ----------
    options : Options
        How often, and who may ask.
    """

    def __init__(self, options: Options) -> None:
        self._every = options.census_every
        self._token = options.token
        self._lock = threading.Lock()
        self._asked = 0
        self.complaint = ""
        self.first: Census | None = None
        self.last: Census | None = None
        self.series: list[tuple[int, Counts]] = []

    def is_wanted(self, number: int, request: HttpRequest) -> bool:
        """Whether the types are to be counted around this request."""
        with self._lock:
            if self._asked:
                self._asked -= 1
                return True
        if self._every and number % self._every == 0:
            return True
        if request.headers.get(ASK_HEADER) is None:
            return False
        return has_token(request, self._token) or is_near(request)

    def ask(self, requests: int = 1) -> None:
        """Count around the next requests."""
        with self._lock:
            self._asked = requests

    def restart(self) -> None:
        """Compare with the next census, and forget those before."""
        with self._lock:
            self.first = self.last = None
            self.series = []

    def take(self, number: int) -> Census | None:
        """Walk the heap now; None where that is refused, and why is the `complaint`."""
        from heapscope import _tracker

        at, started = time.time(), time.perf_counter()
        try:
            walker: Any = _tracker
            walk = walker.heap_walk(fingerprints=False)
        except (AttributeError, RuntimeError, MemoryError) as error:
            self.complaint = str(error) or type(error).__name__
            return None
        try:
            seconds = time.perf_counter() - started
            from heapscope import _analysis

            analysis: Any = _analysis
            return Census(number, at, seconds, analysis.HeapGraph.from_walk(walk.sections()))
        finally:
            walk.release()

    def close(self, before: Census | None, number: int) -> list[dict[str, Any]] | None:
        """Take the census after a request, and return what grew since the one before it."""
        if before is None:
            return None
        after = self.take(number)
        if after is None:
            return None
        counts = after.counts()
        with self._lock:
            if self.first is None:
                self.first = after
            self.last = after
            self.series.append((number, counts))
            del self.series[1:-_SERIES]
        return growth(before.counts(), counts)[:_MOST_GROWTH]


def growth(before: Counts, after: Counts) -> list[dict[str, Any]]:
    """Return the types whose number or bytes changed, most bytes first."""
    rows: list[dict[str, Any]] = []
    for kind in before.keys() | after.keys():
        count, size = after.get(kind, (0, 0))
        old_count, old_size = before.get(kind, (0, 0))
        if (count, size) != (old_count, old_size):
            rows.append({"type": kind, "count": count - old_count, "bytes": size - old_size})
    rows.sort(key=lambda row: (-row["bytes"], -row["count"], row["type"]))
    return rows


def steady(series: list[tuple[int, Counts]], least: int = 3) -> set[str]:
    """Return the types of which every census counted more than the one before."""
    if len(series) < least:
        return set()
    counts = [each for _, each in series]
    return {
        kind
        for kind in counts[-1]
        if all(
            later.get(kind, (0, 0))[0] > earlier.get(kind, (0, 0))[0]
            for earlier, later in itertools.pairwise(counts)
        )
    }

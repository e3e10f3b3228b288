"""The objects of the process by type, counted before and after some of the requests.

A census walks the whole heap (some 100 ms in a process of Django's size, while nothing else runs),
so it is taken around every Nth request, and around those that ask for it. The first one is kept to
compare with, and so are the last two: what grew between them, who holds it and where it was
allocated is on the page.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from heapscope.django.options import has_token, is_near
from heapscope.errors import HeapscopeError

if TYPE_CHECKING:
    from django.http import HttpRequest

    from heapscope.django.options import Options
    from heapscope.objects.snapshot import Heap

    Counts = dict[str, tuple[int, int]]  # objects and bytes by type

ASK_HEADER = "X-Heapscope-Census"
_MOST_GROWTH = 30  # rows kept of a request


class Census:
    """One snapshot of the heap, and what there is of each type.

    Attributes
    ----------
    number : int
        The request after which it was taken.
    at : float
        When, in seconds since 1970.
    seconds : float
        How long it took.
    heap : Heap
        The objects, without heapscope's own.
    counts : dict
        Objects and bytes by type.
    """

    def __init__(self, number: int) -> None:
        from heapscope.objects.taking import heap

        self.number = number
        self.at = time.time()
        started = time.perf_counter()
        self.heap: Heap = heap()
        rows = self.heap.graph.partition(self.heap.members, "type")
        self.counts: Counts = {row["kind"]: (row["count"], row["bytes"]) for row in rows}
        self.seconds = time.perf_counter() - started


class Censuses:
    """When a census is taken; the first and the last two.

    Parameters
    ----------
    options : Options
        How often, and who may ask.

    Attributes
    ----------
    complaint : str
        Why the last could not be taken; empty where it could.
    kept : list of Census
        The first, the one before the last, the last; fewer at the beginning.
    steady : set of str
        The types of which every census counted more than the one before.
    """

    def __init__(self, options: Options) -> None:
        self._every = options.census_every
        self._token = options.token
        self._lock = threading.Lock()
        self._asked = 0
        self._warm = False
        self.complaint = ""
        self.kept: list[Census] = []
        self.steady: set[str] = set()

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
            self.kept = []
            self.steady = set()

    def take(self, number: int) -> Census | None:
        """Walk the heap now; None where that is refused, and why is the `complaint`."""
        try:
            if not self._warm:
                Census(number)  # what reads snapshots is loaded by this one
                self._warm = True
            taken = Census(number)
        except (HeapscopeError, MemoryError) as error:
            self.complaint = str(error) or "there is not enough memory for a snapshot"
            return None
        self.complaint = ""
        return taken

    def close(self, before: Census | None, number: int) -> list[dict[str, Any]] | None:
        """Take the census after a request, and return what grew since the one before it."""
        after = None if before is None else self.take(number)
        if before is None or after is None:
            return None
        with self._lock:
            if self.kept:
                grew = grown(self.kept[-1].counts, after.counts)
                self.steady = grew if len(self.kept) == 1 else self.steady & grew
            del self.kept[1:-1]  # the first, the one before, and this
            self.kept.append(after)
        return growth(before.counts, after.counts)[:_MOST_GROWTH]


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


def grown(before: Counts, after: Counts) -> set[str]:
    """Return the types that there are more objects of."""
    return {kind for kind, (count, _) in after.items() if count > before.get(kind, (0, 0))[0]}

"""What is remembered of requests: the last of them, and a sum for each route."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

_MOST_ROUTES = 500


@dataclass
class Record:
    """One request. No query, no body, no header, no value: its route, and figures.

    Attributes
    ----------
    number : int
        Requests are numbered from 1 in each process.
    at : float
        When it began, in seconds since 1970.
    method, route, view : str
        ``GET``, the pattern that it matched, and the view's name.
    status : int or None
        Of the response.
    elapsed_s : float
        By the clock, with what heapscope itself did in between.
    net_bytes, peak_bytes, allocated_bytes, freed_bytes, allocations, frees : int or None
        Exact; None where they are not known.
    peak_is_least : bool
        It ran on two threads in turn, and the peak is that of one: the true one may be higher.
    together : int
        How many requests ran at the same time, itself included, at most.
    streamed : bool
        Its content was made after the response began; figures are with it.
    lines : list of dict
        Those of the project's own lines that needed most.
    growth : list of dict or None
        What there is more of after it, by type; None where it was not counted.
    """

    number: int
    at: float
    method: str
    route: str = ""
    view: str = ""
    status: int | None = None
    elapsed_s: float = 0.0
    net_bytes: int | None = None
    peak_bytes: int | None = None
    allocated_bytes: int | None = None
    freed_bytes: int | None = None
    allocations: int | None = None
    frees: int | None = None
    peak_is_least: bool = False
    together: int = 1
    streamed: bool = False
    lines: list[dict[str, Any]] = field(default_factory=list)
    growth: list[dict[str, Any]] | None = None


@dataclass
class Route:
    """The requests of one route: how many there were, and what they left and needed in all."""

    method: str
    route: str
    view: str
    requests: int = 0
    metered: int = 0
    net_bytes: int = 0
    allocated_bytes: int = 0
    peak_bytes: int = 0


class Records:
    """The last requests and the sums of all, for any thread.

    Each is kept as one ``bytes`` object, so that what remembers growth does not look like it.
    """

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=most)
        self._routes: dict[tuple[str, str], Route] = {}
        self._count = 0

    def next_number(self) -> int:
        """Number one more request."""
        with self._lock:
            self._count += 1
            return self._count

    @property
    def count(self) -> int:
        """How many there were."""
        return self._count

    def add(self, record: Record) -> None:
        """Remember one that is over."""
        kept = json.dumps(asdict(record), separators=(",", ":")).encode()
        with self._lock:
            self._kept.append((record.number, kept))
            key = (record.method, record.route)
            if key not in self._routes and len(self._routes) >= _MOST_ROUTES:
                return
            route = self._routes.setdefault(key, Route(record.method, record.route, record.view))
            route.requests += 1
            if record.net_bytes is not None:
                route.metered += 1
                route.net_bytes += record.net_bytes
                route.allocated_bytes += record.allocated_bytes or 0
                route.peak_bytes = max(route.peak_bytes, record.peak_bytes or 0)

    def last(self) -> list[Record]:
        """Return those that are remembered, the last that began first."""
        with self._lock:
            kept = list(self._kept)
        return [Record(**json.loads(text)) for _, text in sorted(kept, reverse=True)]

    def get(self, number: int) -> Record | None:
        """Return one, while it is remembered."""
        with self._lock:
            found = next((text for kept, text in self._kept if kept == number), None)
        return None if found is None else Record(**json.loads(found))

    def routes(self) -> list[Route]:
        """Return the sums, those that left most first."""
        with self._lock:
            return sorted(
                (Route(**vars(route)) for route in self._routes.values()),
                key=lambda route: (-route.net_bytes, route.route),
            )

"""What is drawn of a timeline: curves cut to a window and thinned, their slope, spans in rows."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.timeline.dat_reader import Curve, Span, Timeline

_MOST_COLUMNS = 1500  # of a picture: each shows its lowest and its highest point
_MOST_PARTS = 8  # of a name
_MOST_ROWS = 64  # of a thread
MIB = 1048576.0


class Slope(NamedTuple):
    """A straight line through a curve, by least squares.

    Attributes
    ----------
    start, end : float
        Seconds since the start: the window it rests on.
    at_start, at_end : float
        Bytes on the line there.
    bytes_per_s : float
        How steep it is.
    """

    start: float
    end: float
    at_start: float
    at_end: float
    bytes_per_s: float


class Line(NamedTuple):
    """Points of a curve: seconds since the start and bytes, NaN where nobody looked."""

    times: list[float]
    sizes: list[float]

    def peak(self) -> tuple[float, float] | None:
        """Return when it was highest, and how high."""
        known = [
            (size, -time) for time, size in zip(self.times, self.sizes, strict=True) if size == size
        ]
        if not known:
            return None
        size, time = max(known)
        return -time, size

    def last(self) -> tuple[float, float] | None:
        """Return its last point."""
        for time, size in zip(reversed(self.times), reversed(self.sizes), strict=True):
            if size == size:
                return time, size
        return None


def window_of(timeline: Timeline, window: tuple[float, float] | None) -> tuple[float, float]:
    """Return the seconds since the start that are shown."""
    return (0.0, max(timeline.end - timeline.start, 1e-3)) if window is None else window


def cut(curve: Curve, start: float, window: tuple[float, float]) -> Line:
    """Return the points of a curve within a window."""
    first = bisect_left(curve.times, start + window[0])
    last = bisect_right(curve.times, start + window[1])
    return Line(
        [at - start for at in curve.times[first:last]],
        list(curve.sizes[first:last]),
    )


def thin(line: Line) -> Line:
    """Return as many points as a picture can show, with every minimum and maximum among them."""
    count = len(line.times)
    if count <= 4 * _MOST_COLUMNS:
        return line
    start, width = line.times[0], (line.times[-1] - line.times[0]) or 1.0
    kept: list[int] = []
    first = 0
    while first < count:
        column = int((line.times[first] - start) / width * _MOST_COLUMNS)
        edge = start + (column + 1) / _MOST_COLUMNS * width
        last = max(bisect_left(line.times, edge, first), first + 1)
        of_size = line.sizes.__getitem__
        column_range = range(first, last)
        picked = {first, min(column_range, key=of_size), max(column_range, key=of_size), last - 1}
        kept += sorted(picked)
        first = last
    return Line([line.times[index] for index in kept], [line.sizes[index] for index in kept])


def broken(line: Line, gaps: list[tuple[float, float]], start: float) -> Line:
    """Break a line where nobody looked."""
    times, sizes = list(line.times), list(line.sizes)
    for since, until in reversed(gaps):
        middle = (since + until) / 2 - start
        place = bisect_left(times, middle)
        if 0 < place < len(times):
            times.insert(place, middle)
            sizes.insert(place, math.nan)
    return Line(times, sizes)


def slope(line: Line) -> Slope | None:
    """Return the straight line through points; None where they are fewer than two, or at once.

    Each point stands for the time to its neighbours, so that places with more samples do not weigh
    more.
    """
    count = len(line.times)
    if count < 2 or line.times[-1] <= line.times[0]:
        return None
    times, sizes = line.times, line.sizes
    weights = [
        (times[min(index + 1, count - 1)] - times[max(index - 1, 0)]) / 2 for index in range(count)
    ]
    total = math.fsum(weights)
    middle = math.fsum(map(_product, weights, times)) / total
    level = math.fsum(map(_product, weights, sizes)) / total
    spread = math.fsum(w * (at - middle) ** 2 for w, at in zip(weights, times, strict=True))
    if spread <= 0:
        return None
    common = math.fsum(
        w * (at - middle) * (size - level)
        for w, at, size in zip(weights, times, sizes, strict=True)
    )
    steep = common / spread
    return Slope(
        times[0],
        times[-1],
        level + steep * (times[0] - middle),
        level + steep * (times[-1] - middle),
        steep,
    )


def _product(one: float, other: float) -> float:
    return one * other


def slope_text(found: Slope) -> str:
    """Write a slope, in two lines: ``+1.23 MiB/s``, ``from 2 to 20.5 s``."""
    rate = found.bytes_per_s / MIB
    digits = 2 if abs(rate) >= 0.1 else 4
    return f"{rate:+.{digits}f} MiB/s\nfrom {found.start:.3g} to {found.end:.3g} s"


def short_names(names: list[str]) -> dict[str, str]:
    """Return for each dotted name the shortest end of it that no other has."""
    unique = dict.fromkeys(names)
    of_end: dict[str, int] = {}
    for name in unique:
        for end in _ends(name):
            of_end[end] = of_end.get(end, 0) + 1
    return {name: next((end for end in _ends(name) if of_end[end] == 1), name) for name in unique}


def _ends(name: str) -> list[str]:
    """Return the last part of a dotted name, the last two, …, and the whole."""
    parts = name.rsplit(".", _MOST_PARTS)
    return [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]


class Placed(NamedTuple):
    """A span in a row of a picture: seconds since the start, cut to the window."""

    span: Span
    start: float
    end: float
    row: int


def placed(
    spans: list[Span], start: float, end: float, window: tuple[float, float]
) -> list[Placed]:
    """Put spans into rows as they nest: each thread has rows of its own, callers below.

    Spans of one thread that overlap without nesting, as coroutines do, get rows of their own.
    """
    lanes: dict[tuple[int | None, int | None], list[list[float]]] = {}
    found: list[tuple[tuple[int | None, int | None], int, Span, float, float]] = []
    for span in spans:
        since = span.start - start
        until = (end if span.end is None else span.end) - start
        if until < window[0] or since > window[1]:
            continue
        lane = (span.process, span.thread)
        rows = lanes.setdefault(lane, [])
        row = min(span.level, len(rows))
        while row < len(rows) and rows[row] and rows[row][-1] > since:
            row += 1
        if row == _MOST_ROWS:
            continue
        if row == len(rows):
            rows.append([])
        rows[row].append(until)
        found.append((lane, row, span, max(since, window[0]), min(until, window[1])))
    bases: dict[tuple[int | None, int | None], int] = {}
    base = 0
    for lane, rows in lanes.items():
        bases[lane] = base
        base += len(rows)
    return [
        Placed(span, since, until, bases[lane] + row) for lane, row, span, since, until in found
    ]

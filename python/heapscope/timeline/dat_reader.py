"""Reads .dat files: mprof's, and ours with what they tell beyond those.

A file is hostile: every line is judged alone, what cannot be is counted as damage and left out, and
no line, name or number of them makes the reader use more than its share of memory. Sizes come as
bytes, times as seconds since the epoch.
"""

from __future__ import annotations

import math
from array import array
from typing import Any, BinaryIO, NamedTuple

from heapscope.errors import HeapscopeError

_MIB = 1048576
_MOST_LINE = 65536  # bytes of a line; mprof writes a whole command line into one
_MOST_NAME = 4096  # bytes
_MOST_BYTES = float(1 << 62)
_MOST_SECONDS = 4e10  # the year 3237
_MOST_SPANS = 100_000
_MOST_MARKS = 10_000
_MOST_CHILDREN = 10_000
_KNOWN = frozenset(b"CMDLINE MEM CHLD FUNC INFO HIGH GAP KIN ENTER SKIP MARK".split())


class TimelineError(HeapscopeError):
    """A .dat file cannot be used."""


class Curve:
    """Sizes over time, in order.

    Attributes
    ----------
    times : array of float
        Seconds since the epoch, ascending.
    sizes : array of float
        Bytes.
    """

    def __init__(self) -> None:
        self.times = array("d")
        self.sizes = array("d")
        self._ordered = True

    def __len__(self) -> int:
        return len(self.times)

    def add(self, at: float, size: float) -> None:
        """Add a point, in any order."""
        if self.times and at < self.times[-1]:
            self._ordered = False
        self.times.append(at)
        self.sizes.append(size)

    def sort(self) -> None:
        """Bring the points into order."""
        if self._ordered:
            return
        order = sorted(range(len(self.times)), key=self.times.__getitem__)
        self.times = array("d", (self.times[index] for index in order))
        self.sizes = array("d", (self.sizes[index] for index in order))
        self._ordered = True

    def peak(self) -> tuple[float, float]:
        """Return when it was highest, and how high."""
        index = max(range(len(self.sizes)), key=self.sizes.__getitem__)
        return self.times[index], self.sizes[index]


class Span(NamedTuple):
    """A call: `end` is None where it had not ended when the file did."""

    name: str
    start: float
    end: float | None
    start_size: float
    end_size: float | None
    level: int
    process: int | None
    thread: int | None


class Mark(NamedTuple):
    """A named moment."""

    label: str
    at: float
    process: int | None


class Timeline:
    """What a .dat file tells.

    Attributes
    ----------
    path : str
        The file.
    command : str or None
        What was run.
    info : dict of str to str
        What else is known of the run: ``process``, ``interval``, ``exit_status``, …
    total : Curve
        The process, or the sum with its descendants.
    children : dict of int to Curve
        Descendants by process id.
    kin : set of int
        The ids of all descendants that were seen.
    spans : list of Span
        By start.
    marks : list of Mark
        By time.
    highs : list of (since, until, bytes)
        Intervals whose highest is the kernel's mark.
    gaps : list of (since, until)
        Where nobody looked.
    skipped : dict of str to (calls, seconds)
        Calls that were counted but not written, by function.
    damage : list of str
        What could not be read: the first few, one line each.
    damaged_lines : int
        How many lines could not be read.
    left_out : list of str
        What was too much to keep, one line each.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.command: str | None = None
        self.info: dict[str, str] = {}
        self.total = Curve()
        self.children: dict[int, Curve] = {}
        self.spans: list[Span] = []
        self.marks: list[Mark] = []
        self.kin: set[int] = set()
        self.highs: list[tuple[float, float, float]] = []
        self.gaps: list[tuple[float, float]] = []
        self.skipped: dict[str, tuple[int, float]] = {}
        self.damage: list[str] = []
        self.damaged_lines = 0
        self.left_out: list[str] = []

    @property
    def start(self) -> float:
        """When the first sample or span was, in seconds since the epoch."""
        starts = [curve.times[0] for curve in (self.total, *self.children.values()) if len(curve)]
        return min(starts + [span.start for span in self.spans[:1]])

    @property
    def end(self) -> float:
        """When the last sample, call or mark was."""
        ends = [curve.times[-1] for curve in (self.total, *self.children.values()) if len(curve)]
        ends += [mark.at for mark in self.marks[-1:]]
        return max(ends + [span.end or span.start for span in self.spans])

    def total_with_calls(self) -> Curve:
        """Return `total` with what calls saw at their begin and end, as mprof draws it.

        Only where these are sizes of the same thing: of the process itself, in RSS.
        """
        main = self.info.get("process")
        of_sum = self.info.get("add_children") == "1"
        if not self.spans or of_sum or self.info.get("metric", "rss") != "rss":
            return self.total
        curve = Curve()
        for at, size in zip(self.total.times, self.total.sizes, strict=True):
            curve.add(at, size)
        for span in self.spans:
            if main is None or str(span.process) == main:
                curve.add(span.start, span.start_size)
                if span.end is not None and span.end_size is not None:
                    curve.add(span.end, span.end_size)
        curve.sort()
        return curve

    def peak(self, function: str | None = None) -> tuple[float, float] | None:
        """Return when memory was highest and how high: (seconds since the epoch, bytes).

        Parameters
        ----------
        function : str, optional
            Only while a call of it ran. Its whole name, or the end of it after a dot.

        Returns
        -------
        tuple or None
            None where there is no sample, or the function is not there.
        """
        points = zip(self.total.times, self.total.sizes, strict=True)
        if function is None:
            return self.total.peak() if len(self.total) else None
        spans = self.spans_of(function)
        if not spans:
            return None
        within = _merged([(span.start, _end(span.end, self.end)) for span in spans])
        best: tuple[float, float] | None = None
        at_start = [(span.start, span.start_size) for span in spans]
        at_end = [
            (span.end, span.end_size)
            for span in spans
            if span.end is not None and span.end_size is not None
        ]
        for at, size in [*at_start, *at_end, *_inside(points, within)]:
            if best is None or size > best[1]:
                best = (at, size)
        return best

    def spans_of(self, function: str) -> list[Span]:
        """Return the calls of a function: of its whole name, else of names that end with it."""
        whole = [span for span in self.spans if span.name == function]
        return whole or [span for span in self.spans if span.name.endswith(f".{function}")]


def _end(end: float | None, last: float) -> float:
    return last if end is None else end


def _merged(ranges: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _inside(
    points: zip[tuple[float, float]], ranges: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return the points within ordered, separate ranges; the points are in order too."""
    found, position = [], 0
    for at, size in points:
        while position < len(ranges) and ranges[position][1] < at:
            position += 1
        if position == len(ranges):
            break
        if ranges[position][0] <= at:
            found.append((at, size))
    return found


def read(path: str) -> Timeline:
    """Read a .dat file.

    Raises
    ------
    TimelineError
        It cannot be opened, or it is no .dat file.
    """
    reader = _Reader(path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - bytes of any name
            reader.read(file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise TimelineError(f"cannot read {path!r}: {reason or error}") from None
    return reader.finish()


class _Reader:
    def __init__(self, path: str) -> None:
        self._timeline = Timeline(path)
        self._known = 0
        self._number = 0
        self._open: dict[tuple[bytes, ...], Span] = {}
        self._dropped = dict.fromkeys(("calls", "marks", "children", "intervals"), 0)

    def read(self, file: BinaryIO) -> None:
        while line := file.readline(_MOST_LINE):
            self._number += 1
            whole = line.endswith(b"\n")
            while not line.endswith(b"\n") and len(line) == _MOST_LINE:
                rest = file.readline(_MOST_LINE)  # too long for anything but a command
                whole = rest.endswith(b"\n")
                if whole or len(rest) < _MOST_LINE:
                    break
            self._take(line, whole)
            if self._number == 64 and not self._known:
                break  # nothing of a .dat file in it

    def finish(self) -> Timeline:
        timeline = self._timeline
        if not self._known:
            what = "is empty" if not self._number else "is no .dat file of mprof or heapscope"
            raise TimelineError(f"{timeline.path!r} {what}")
        timeline.spans += self._open.values()
        timeline.spans.sort(key=lambda span: (span.start, span.level))
        timeline.marks.sort(key=lambda mark: mark.at)
        timeline.highs.sort()
        timeline.gaps.sort()
        for curve in (timeline.total, *timeline.children.values()):
            curve.sort()
        for what, count in self._dropped.items():
            if count:
                timeline.left_out.append(f"{count:,} {what} more than can be shown")
        return timeline

    def _take(self, line: bytes, whole: bool) -> None:
        word, _, rest = line.strip().partition(b" ")
        if word not in _KNOWN:
            # Blank lines and words of later versions are skipped; what is no word at all is not.
            if word and not (word.isalpha() and word.isupper()):
                self._spoilt("not a line of a .dat file")
            return
        if not whole and word != b"CMDLINE":
            self._spoilt("cut short")
            return
        try:
            getattr(self, f"_take_{word.decode().lower()}")(rest)
        except (ValueError, IndexError) as error:
            self._spoilt(f"{word.decode()}: {str(error)[:80]}")
            return
        self._known += 1

    def _spoilt(self, reason: str) -> None:
        self._timeline.damaged_lines += 1
        if len(self._timeline.damage) < 5:
            self._timeline.damage.append(f"line {self._number}: {reason}")

    def _take_cmdline(self, rest: bytes) -> None:
        self._timeline.command = rest.decode("utf-8", "backslashreplace").strip()

    def _take_info(self, rest: bytes) -> None:
        key, _, value = rest.partition(b" ")
        if len(self._timeline.info) < 100:
            self._timeline.info[_text(key)] = _text(value)

    def _take_mem(self, rest: bytes) -> None:
        words = _words(rest, 2)
        self._timeline.total.add(_seconds(words[1]), _size(words[0]))

    def _take_chld(self, rest: bytes) -> None:
        words = _words(rest, 3)
        process, size, at = _whole(words[0]), _size(words[1]), _seconds(words[2])
        if process == 0:  # mprof writes that for a child that ended while it was asked
            return
        curve = self._timeline.children.get(process)
        if curve is None:
            if len(self._timeline.children) >= _MOST_CHILDREN:
                self._dropped["children"] += 1
                return
            curve = self._timeline.children[process] = Curve()
        curve.add(at, size)

    def _take_high(self, rest: bytes) -> None:
        words = _words(rest, 3)
        size, since, until = _size(words[0]), _seconds(words[1]), _seconds(words[2])
        if self._has_room(self._timeline.highs):
            self._timeline.highs.append((since, until, size))

    def _take_kin(self, rest: bytes) -> None:
        if len(self._timeline.kin) < _MOST_CHILDREN:
            self._timeline.kin.add(_whole(rest))

    def _take_gap(self, rest: bytes) -> None:
        words = _words(rest, 2)
        if self._has_room(self._timeline.gaps):
            self._timeline.gaps.append((_seconds(words[0]), _seconds(words[1])))

    def _take_enter(self, rest: bytes) -> None:
        name, size, at, level, process, thread = _words(rest, 6)[:6]
        name = name[:_MOST_NAME]
        span = Span(
            _text(name),
            _seconds(at),
            None,
            _size(size),
            None,
            _level(level),
            _whole(process),
            _whole(thread),
        )
        if len(self._open) + len(self._timeline.spans) < _MOST_SPANS:
            self._open[(name, at, level, process, thread)] = span
        else:
            self._dropped["calls"] += 1

    def _take_func(self, rest: bytes) -> None:
        words = _words(rest, 5)
        name, start_size, start, end_size, end = words[:5]
        name = name[:_MOST_NAME]
        level = _level(words[5]) if len(words) > 5 else 0
        process = _whole(words[6]) if len(words) > 7 else None
        thread = _whole(words[7]) if len(words) > 7 else None
        span = Span(
            _text(name),
            _seconds(start),
            _seconds(end),
            _size(start_size),
            _size(end_size),
            level,
            process,
            thread,
        )
        if span.end is not None and span.end < span.start:
            raise ValueError("an end before its start")
        self._open.pop((name, start, *words[5:8]), None)
        if len(self._open) + len(self._timeline.spans) < _MOST_SPANS:
            self._timeline.spans.append(span)
        else:
            self._dropped["calls"] += 1

    def _take_skip(self, rest: bytes) -> None:
        words = _words(rest, 3)
        calls, seconds = _whole(words[1]), _number(words[2])
        name = _text(words[0])
        skipped = self._timeline.skipped
        if name in skipped or len(skipped) < _MOST_MARKS:
            before = skipped.get(name, (0, 0.0))
            skipped[name] = (before[0] + calls, before[1] + seconds)

    def _take_mark(self, rest: bytes) -> None:
        at, process, _, *label = rest.split(b" ", 3)
        mark = Mark(_text(b"".join(label)), _seconds(at), _whole(process))
        if len(self._timeline.marks) < _MOST_MARKS:
            self._timeline.marks.append(mark)
        else:
            self._dropped["marks"] += 1

    def _has_room(self, kept: list[Any]) -> bool:
        if len(kept) < _MOST_SPANS:
            return True
        self._dropped["intervals"] += 1
        return False


def _words(rest: bytes, least: int) -> list[bytes]:
    words = rest.split()
    if len(words) < least:
        raise ValueError(f"{len(words)} of {least} figures")
    return words


def _number(word: bytes) -> float:
    value = float(word)
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"the figure {word[:40].decode('ascii', 'backslashreplace')}")
    return value


def _size(word: bytes) -> float:
    value = _number(word) * _MIB
    if value > _MOST_BYTES:
        raise ValueError("a size that no machine has")
    return value


def _seconds(word: bytes) -> float:
    value = _number(word)
    if value > _MOST_SECONDS:
        raise ValueError("a time that is no time")
    return value


def _whole(word: bytes) -> int:
    value = int(word[:20])
    if not 0 <= value < 1 << 53 or len(word) > 20:
        raise ValueError(f"the number {word[:40].decode('ascii', 'backslashreplace')}")
    return value


def _level(word: bytes) -> int:
    return min(_whole(word), 10_000)


def _text(word: bytes) -> str:
    return word[:_MOST_NAME].decode("utf-8", "backslashreplace").strip()

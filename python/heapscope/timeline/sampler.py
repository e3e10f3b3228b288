"""Samples a process, and its descendants, at regular times, and misses nothing between them.

Every interval ends with a sample: the size at that moment. Between samples there are looks that
read RSS only, and with each sample the kernel's high-water mark is asked for. So a spike above
everything before it is seen whatever its length, with its exact height, in the interval where it
was; one that stays below an earlier maximum is seen when it lasts longer than the looks are apart:
5 ms then, 25 ms while the process is at its highest. The mark is not reset to see those too
(``/proc/PID/clear_refs`` would): the program's own ``getrusage`` would then tell it a peak that is
not its own.

Looks measure what they cost and take at most a per cent of a processor. Where nobody looked
for longer than two intervals, because the machine was busy or this process was stopped, there is a
gap, and it is told.

Times are seconds since the epoch: CLOCK_MONOTONIC plus an offset chosen once.

Only modules that an interpreter has at start-up are used.
"""

from __future__ import annotations

import time

from heapscope.timeline.process_sizes import ProcessGoneError, ProcessSizes, descendants

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Recorder(Protocol):
        """Where samples go; bytes and seconds since the epoch."""

        def sample(self, size: int, at: float) -> None:
            """Take what the process had at a moment."""

        def high(self, size: int, since: float, until: float, at: float) -> None:
            """Take the highest of an interval; `at` is when, as well as that is known."""

        def child(self, process: int, size: int, at: float) -> None:
            """Take what a descendant had at a moment."""

        def kin(self, process: int) -> None:
            """Take the id of a descendant that was found."""

        def gap(self, since: float, until: float) -> None:
            """Take a stretch where nobody looked."""


_LOOKS_APART_NS = 5_000_000
_LOOKS_AT_HIGHEST_NS = 25_000_000
_LEAST_SLACK = 262_144  # bytes
_EARLY_NS = 20_000_000  # a program may be over by then
_EARLY_APART_NS = 1_000_000
_CHILDREN_APART_NS = 20_000_000
_SELDOM = 100  # times the processor time of a look
_AT_LEAST = 10  # times that, before a sample
_WORTH_TELLING = 16384  # bytes: a highest that is hardly above the samples is no news
_LEAST_GAP_NS = 50_000_000


def clock_offset_ns() -> int:
    """Return what makes CLOCK_MONOTONIC the time of day, now."""
    before = time.monotonic_ns()
    wall = time.time_ns()
    return wall - (before + time.monotonic_ns()) // 2


class _Highest:
    """The highest of an interval, and when it was seen; `seen_ns` 0: by the mark only."""

    __slots__ = ("seen_ns", "size")

    def __init__(self) -> None:
        self.size = -1
        self.seen_ns = 0

    def see(self, size: int, seen_ns: int) -> None:
        if size > self.size:
            self.size, self.seen_ns = size, seen_ns

    def hear(self, mark: int) -> None:
        """Take the kernel's mark: hardly above what was seen it was at that moment."""
        if mark > self.size + self.size // 50:
            self.seen_ns = 0
        self.size = max(self.size, mark)


class TimelineSampler:
    """The samples of one process and, where wanted, of its descendants.

    Parameters
    ----------
    process : int
        The process.
    recorder : Recorder
        What takes the samples.
    interval : float
        Seconds between samples.
    offset_ns : int
        What makes CLOCK_MONOTONIC the recorded clock.
    metric : {"rss", "pss", "uss"}
        Which size.
    add_children : bool
        A sample is the sum over the process and its descendants, at one moment.
    each_child : bool
        Each descendant has samples of its own.
    from_start : bool
        The process was just started, so that the first mark belongs to the first interval.
    ignore : int
        The id of a descendant that does not count: the sampling process itself.
    ends_ns : int or None
        CLOCK_MONOTONIC time when sampling ends though the process goes on.

    Attributes
    ----------
    samples : int
        How many were taken.
    first_at, last_at : float or None
        When the first and the last sample was taken.
    """

    def __init__(
        self,
        process: int,
        recorder: Recorder,
        interval: float = 0.1,
        *,
        offset_ns: int,
        metric: str = "rss",
        add_children: bool = False,
        each_child: bool = False,
        from_start: bool = True,
        ignore: int = 0,
        ends_ns: int | None = None,
    ) -> None:
        self.samples = 0
        self.first_at: float | None = None
        self.last_at: float | None = None
        self._recorder = recorder
        self._interval_ns = max(int(interval * 1e9), 1)
        self._offset_ns = offset_ns
        self._metric = metric
        self._add_children = add_children
        self._each_child = each_child
        self._ignore = ignore
        self._ends_ns = ends_ns
        self._children: dict[int, ProcessSizes] = {}
        self._now: dict[int, int] = {}  # sizes of descendants as of the last look
        self._before: dict[int, int] = {}  # and as of the last sample
        self._highest: dict[int, _Highest] = {}
        self._sum_highest = _Highest()
        self._sum_before = 0
        self._mark = 0
        self._cost_ns = 0  # of a look, on average: a single dear one must not keep us away
        self._looked_ns = self._sampled_ns = 0
        self._begun_ns = self._next_sample_ns = self._next_look_ns = time.monotonic_ns()
        self._next_children_ns = 0
        self._process: ProcessSizes | None = None
        try:
            self._process = ProcessSizes(process, metric)
            if not from_start:
                self._mark = self._process.risen_mark() or 0
        except ProcessGoneError:
            self.close()

    @property
    def running(self) -> bool:
        """Whether there is more to see."""
        return self._process is not None

    def wait_s(self) -> float:
        """Return how long to wait for the next look."""
        if self._process is None:
            return 3600.0
        return max(self._next_look_ns - time.monotonic_ns(), 0) / 1e9

    def look(self) -> None:
        """Look, or take a sample, if it is time."""
        now = time.monotonic_ns()
        if self._process is None or now < self._next_look_ns:
            return
        over = self._ends_ns is not None and now >= self._ends_ns
        spent = time.thread_time_ns()
        try:
            if over or now >= self._next_sample_ns:
                self._sample(self._process, now)
                # On the grid of the first sample, so that intervals do not drift.
                missed = max(now - self._next_sample_ns, 0) // self._interval_ns
                self._next_sample_ns += (missed + 1) * self._interval_ns
            else:
                self._look_at_all(self._process, now)
        except ProcessGoneError:
            over = True
        if over:
            self.close()
            return
        cost = self._cost_ns = (15 * self._cost_ns + time.thread_time_ns() - spent) // 16
        self._looked_ns = now
        seldom = self._looks_apart(now)
        sample_ns = max(self._next_sample_ns, now + _AT_LEAST * cost)
        self._next_look_ns = min(now + max(seldom, _SELDOM * cost), sample_ns)
        if self._ends_ns is not None:
            self._next_look_ns = min(self._next_look_ns, self._ends_ns)

    def _looks_apart(self, now: int) -> int:
        """Return how far apart looks are to be, whatever they cost.

        Where the last sample was about the highest ever, whatever came above it raises the mark,
        and what stays below it is not the interval's highest: looks only tell better when it was.
        """
        if self._metric != "rss":
            return self._interval_ns
        if now - self._begun_ns < _EARLY_NS:
            return _EARLY_APART_NS
        slack = max(self._mark // 64, _LEAST_SLACK)
        told_by_mark = not self._children and self._sum_before >= self._mark - slack
        return _LOOKS_AT_HIGHEST_NS if told_by_mark else _LOOKS_APART_NS

    def sample_now(self) -> None:
        """Take a sample whenever the next was to be; nothing if the process has ended."""
        self._next_look_ns = self._next_sample_ns = time.monotonic_ns()
        self.look()

    def close(self) -> None:
        """Look no more, and give all files back."""
        for each in (self._process, *self._children.values()):
            if each is not None:
                each.close()
        self._children.clear()
        self._process = None

    def finish(self, highest: int | None = None) -> None:
        """Tell what was seen after the last sample; the process has ended.

        Parameters
        ----------
        highest : int, optional
            The highest RSS ever, in bytes, as the kernel told it after the end. Where it is above
            the last mark it was after the last sample.
        """
        self.close()
        if highest is not None and highest > self._mark and self._metric == "rss":
            self._sum_highest.hear(highest)
        now = time.monotonic_ns()
        self._tell_highest(0, self._sampled_ns or now, now)

    def _sample(self, process: ProcessSizes, now: int) -> None:
        apart = max(2 * self._interval_ns, _LEAST_GAP_NS)
        if self._looked_ns and now - self._looked_ns > apart:
            self._recorder.gap(self._at(self._looked_ns), self._at(now))
        total = self._look_at_all(process, now)
        self._ask_marks(process)
        since_ns = self._sampled_ns or now
        self._tell_highest(total, since_ns, now)
        at = self._at(now)
        self._recorder.sample(total, at)
        self.samples += 1
        self.first_at = at if self.first_at is None else self.first_at
        self.last_at = at
        if self._each_child:
            self._tell_children(since_ns, now)
        self._sum_before = total
        self._sum_highest = _Highest()
        self._sampled_ns = now

    def _look_at_all(self, process: ProcessSizes, now: int) -> int:
        """Read every size, keep the highest, and return what a sample would tell."""
        total = process.now()
        if self._add_children or self._each_child:
            self._find_children(process.process, now)
            for number, child in self._children.items():
                try:
                    size = child.now()
                except ProcessGoneError:
                    size = 0
                self._now[number] = size
                self._highest[number].see(size, now)
            if self._add_children:
                total += sum(self._now.values())
        self._sum_highest.see(total, now)
        return total

    def _find_children(self, process: int, now: int) -> None:
        if now < self._next_children_ns:
            return
        found = set(descendants(process)) - {self._ignore}
        for number in set(self._children) - found:
            self._children.pop(number).close()
            self._now.pop(number, None)
        for number in found - set(self._children):
            try:
                self._children[number] = ProcessSizes(number, self._metric)
            except ProcessGoneError:
                continue
            self._highest.setdefault(number, _Highest())
            self._recorder.kin(number)
        ended = time.monotonic_ns()
        apart = max(min(_CHILDREN_APART_NS, self._interval_ns), _AT_LEAST * (ended - now))
        self._next_children_ns = ended + apart

    def _ask_marks(self, process: ProcessSizes) -> None:
        mark = process.risen_mark()
        if mark is not None:
            self._mark = mark
            self._sum_highest.hear(mark)  # a sum was at least as much
        for number, child in self._children.items():
            try:
                mark = child.risen_mark()
            except ProcessGoneError:
                continue
            if mark is not None:
                self._highest[number].hear(mark)

    def _tell_highest(self, total: int, since_ns: int, now: int) -> None:
        """Tell of a maximum that no sample shows."""
        highest = self._sum_highest
        if highest.size <= max(self._sum_before, total) + _WORTH_TELLING:
            return
        if highest.seen_ns:
            at = self._at(highest.seen_ns)
            self._recorder.high(highest.size, at, at, at)
        else:
            since, until = self._at(since_ns), self._at(now)
            self._recorder.high(highest.size, since, until, (since + until) / 2)

    def _tell_children(self, since_ns: int, now: int) -> None:
        for number, highest in list(self._highest.items()):
            size = self._now.get(number, 0)
            if highest.size > max(self._before.get(number, 0), size) + _WORTH_TELLING:
                seen_ns = highest.seen_ns or (since_ns + now) // 2
                self._recorder.child(number, highest.size, self._at(seen_ns))
            if size:
                self._recorder.child(number, size, self._at(now))
                self._before[number] = size
                self._highest[number] = _Highest()
            else:
                self._before.pop(number, None)
                del self._highest[number]
        for number in self._children:
            self._highest.setdefault(number, _Highest())

    def _at(self, monotonic_ns: int) -> float:
        return (monotonic_ns + self._offset_ns) / 1e9

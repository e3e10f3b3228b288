"""Tests that fail when memory grows: `assert_no_growth` and `no_growth`.

Both compare the heap's objects, not its bytes, so the result does not depend on the allocator, the
machine or the load. A failure names the type that stays, who holds it, and where it was allocated.
"""

from __future__ import annotations

from heapscope.objects.taking import heap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from heapscope.objects.leak_report import Leak
    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap

__all__ = ["GrowthError", "NoGrowth", "assert_no_growth", "no_growth"]

_MOST_SHOWN = 10


class GrowthError(AssertionError):
    """Objects stayed that should not have.

    Attributes
    ----------
    leaks : list of Leak
        By type and holder, those that would free most first.
    """

    def __init__(self, message: str, leaks: list[Leak]) -> None:
        super().__init__(message)
        self.leaks = leaks


def assert_no_growth(
    func: Callable[[], Any], *, rounds: int = 5, warmup: int = 2, ignore: Iterable[str] = ()
) -> None:
    """Call a function again and again, and fail if each round leaves more objects behind.

    Parameters
    ----------
    func : callable
        Called without arguments.
    rounds : int
        How many times it is called between two looks at the heap; at least 2.
    warmup : int
        How many times it is called before the first look: caches fill and modules are imported.
    ignore : iterable of str
        Types that may grow, by name (``Lesson`` or ``app.models.Lesson``).

    Raises
    ------
    GrowthError
        An AssertionError: objects of every round stayed.

    Notes
    -----
    A round's objects count as leaked when some are left of each round but the last: a cache that
    fills in the first rounds and a buffer that is replaced in each are no leaks. What only a
    running frame holds is none either. A container that was there before counts when it is longer
    after every round, though it holds nothing new (small numbers, say); of buffers
    (``bytearray``, ``array.array``) the memory they have is what can be seen of their length. So do
    texts, bytes, numbers and arrays that take more memory after every round, though each round's
    replace those of the round before.
    Tracking is on meanwhile, so that the failure can tell where the objects were allocated.

    Examples
    --------
    >>> heapscope.assert_no_growth(lambda: handle(request), rounds=10)  # doctest: +SKIP
    """
    if rounds < 2:
        raise ValueError("one round cannot tell growth from a first filling: rounds must be >= 2")
    from heapscope.objects.growth_rounds import grown_containers, grown_each_round, grown_values
    from heapscope.objects.leak_report import Leak

    with _tracked():
        heap()  # what reads snapshots is loaded by this one
        for _ in range(warmup):
            func()
        looks = [heap()]
        for _ in range(rounds):
            func()
            looks.append(heap())
        grown = grown_each_round(looks)
        containers = [Leak(row) for row in grown_containers(looks, grown)]
        stayed = [*_leaks(grown), *containers]
        values = [Leak(row) for row in grown_values(looks, {leak.type for leak in stayed})]
        leaks = _wanted([*stayed, *values], ignore)
        _fail(leaks, f"in each of {rounds} rounds")


def no_growth(*, ignore: Iterable[str] = ()) -> NoGrowth:
    """Return a context manager that fails if its body leaves objects behind.

    Parameters
    ----------
    ignore : iterable of str
        Types that may grow, by name (``Lesson`` or ``app.models.Lesson``).

    Notes
    -----
    It cannot tell a leak from a cache that fills for the first time: run the body once before, or
    use `assert_no_growth`. What is held by variables of running functions alone (the test's own
    results) is no growth.

    Examples
    --------
    >>> with heapscope.no_growth():  # doctest: +SKIP
    ...     handle(request)
    """
    return NoGrowth(ignore)


class NoGrowth:
    """What `no_growth` returns.

    Attributes
    ----------
    leaks : list of Leak
        After the body: what stayed.
    """

    def __init__(self, ignore: Iterable[str] = ()) -> None:
        self._ignore = tuple(ignore)
        self._before: Heap | None = None
        self._tracking: _Tracked | None = None
        self.leaks: list[Leak] = []

    def __enter__(self) -> Self:
        from heapscope.objects import growth_rounds  # noqa: F401 - before the first look

        self._tracking = _tracked()
        self._tracking.__enter__()
        heap()  # what reads snapshots is loaded by this one
        self._before = heap()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        from heapscope.objects.growth_rounds import grown_between

        before, self._before = self._before, None
        tracking, self._tracking = self._tracking, None
        try:
            if kind is None and before is not None:
                grown = grown_between(before, heap())
                self.leaks = _wanted(_leaks(grown), self._ignore)
                _fail(self.leaks, "and stayed")
        finally:
            if tracking is not None:
                tracking.__exit__(None, None, None)


class _Tracked:
    """Tracking while the body runs, unless it is on already; no capture is left."""

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None

    def __enter__(self) -> None:
        from heapscope import tracking

        self._stop = tracking.track_meanwhile()

    def __exit__(self, *exception: object) -> None:
        if self._stop is not None:
            self._stop()


def _tracked() -> _Tracked:
    return _Tracked()


def _leaks(grown: ObjectSet) -> list[Leak]:
    from heapscope.objects.leak_report import report_set

    return report_set(grown).rows


def _wanted(leaks: list[Leak], ignore: Iterable[str]) -> list[Leak]:
    ignored = set(ignore)
    return [
        leak
        for leak in leaks
        if leak.type not in ignored and leak.type.rpartition(".")[2] not in ignored
    ]


def _fail(leaks: list[Leak], when: str) -> None:
    if not leaks:
        return
    happened = "objects were made" if leaks[0].items is None else "got longer"
    lines = [f"memory grows: {leaks[0].type} {happened} {when}"]
    lines += [f"  {leak}" for leak in leaks[:_MOST_SHOWN]]
    if len(leaks) > _MOST_SHOWN:
        lines.append(f"  and {len(leaks) - _MOST_SHOWN} more kinds")
    raise GrowthError("\n".join(lines), leaks)

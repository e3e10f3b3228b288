"""Figures of the blocks that share a place, and how they changed."""

from __future__ import annotations

from typing import Any

from heapscope.traces.frames import Traceback
from heapscope.traces.sizes import format_size


class Statistic:
    """Live blocks of one place.

    Attributes
    ----------
    traceback : Traceback
        The place: one frame, or the stack when grouped by traceback.
    size, count : int
        Bytes and blocks.
    """

    __slots__ = ("count", "size", "traceback")

    def __init__(self, traceback: Traceback, size: int, count: int) -> None:
        self.traceback = traceback
        self.size = size
        self.count = count

    def _figures(self) -> tuple[Any, ...]:
        return (self.traceback, self.size, self.count)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Statistic):
            return NotImplemented
        return self._figures() == other._figures()

    def __hash__(self) -> int:
        return hash(self._figures())

    def __str__(self) -> str:
        return (
            f"{self.traceback}: size={format_size(self.size)}, count={self.count}"
            f"{_average(self.size, self.count)}"
        )

    def __repr__(self) -> str:
        return f"<Statistic traceback={self.traceback!r} size={self.size} count={self.count}>"

    def _sort_key(self) -> tuple[Any, ...]:
        return (self.size, self.count, self.traceback)


class StatisticDiff:
    """Live blocks of one place in a snapshot, and how they differ from those of an older one.

    Attributes
    ----------
    traceback : Traceback
        The place.
    size, count : int
        Bytes and blocks in the newer snapshot, 0 when the place has none there.
    size_diff, count_diff : int
        Less those of the older one.
    """

    __slots__ = ("count", "count_diff", "size", "size_diff", "traceback")

    def __init__(
        self, traceback: Traceback, size: int, size_diff: int, count: int, count_diff: int
    ) -> None:
        self.traceback = traceback
        self.size = size
        self.size_diff = size_diff
        self.count = count
        self.count_diff = count_diff

    def _figures(self) -> tuple[Any, ...]:
        return (self.traceback, self.size, self.size_diff, self.count, self.count_diff)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StatisticDiff):
            return NotImplemented
        return self._figures() == other._figures()

    def __hash__(self) -> int:
        return hash(self._figures())

    def __str__(self) -> str:
        return (
            f"{self.traceback}: size={format_size(self.size)}"
            f" ({format_size(self.size_diff, signed=True)}),"
            f" count={self.count} ({self.count_diff:+}){_average(self.size, self.count)}"
        )

    def __repr__(self) -> str:
        return (
            f"<StatisticDiff traceback={self.traceback!r}"
            f" size={self.size} ({self.size_diff:+}) count={self.count} ({self.count_diff:+})>"
        )

    def _sort_key(self) -> tuple[Any, ...]:
        return (
            abs(self.size_diff),
            self.size,
            abs(self.count_diff),
            self.count,
            self.traceback,
        )


def _average(size: int, count: int) -> str:
    return f", average={format_size(size / count)}" if count else ""


def differences(
    new: dict[Traceback, Statistic], old: dict[Traceback, Statistic]
) -> list[StatisticDiff]:
    """Return one entry for each place of either, the largest change first."""
    none = Statistic(Traceback(()), 0, 0)
    found = []
    for place in {**new, **old}:
        now, before = new.get(place, none), old.get(place, none)
        found.append(
            StatisticDiff(
                place, now.size, now.size - before.size, now.count, now.count - before.count
            )
        )
    found.sort(key=StatisticDiff._sort_key, reverse=True)
    return found

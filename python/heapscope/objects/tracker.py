"""What changes in the heap between moments: `HeapTracker`."""

from __future__ import annotations

import sys
import time

from heapscope.objects.taking import heap
from heapscope.objects.type_tables import MOST_ROWS, summary_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from heapscope.objects.leak_report import LeakReport
    from heapscope.objects.snapshot import Heap

__all__ = ["ClassCounts", "HeapTracker"]

_KEPT = 3


class ClassCounts:
    """The objects of the tracked classes at one moment.

    Attributes
    ----------
    time_s : float
        Since the tracker was made.
    label : str
        What the moment was called.
    classes : dict of str to (int, int, int)
        By the class's name: objects, their own bytes, and the bytes they retain together.
    """

    __slots__ = ("classes", "label", "time_s")

    def __init__(self, time_s: float, label: str, classes: dict[str, tuple[int, int, int]]) -> None:
        self.time_s = time_s
        self.label = label
        self.classes = classes

    def __repr__(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, (count, _, _) in self.classes.items())
        return f"<{self.label or 'snapshot'} at {self.time_s:.3f} s: {counts}>"


class HeapTracker:
    """Snapshots of this process's heap, and what changed from one to the next.

    The first snapshot is taken when the tracker is made. The tracker itself is in none of them.

    Parameters
    ----------
    native : bool
        Also count the blocks of memory that C code allocated (while tracking is on).

    Attributes
    ----------
    history : list of ClassCounts
        One a snapshot, of the classes tracked by then (`track_class`).

    Notes
    -----
    `diff` counts every object that something holds, by type, with bytes as they were asked of the
    allocator. What died and was replaced by another object of its type and size is no difference
    here; `growth` tells objects from each other.

    Examples
    --------
    >>> tracker = heapscope.HeapTracker()  # doctest: +SKIP
    >>> cache["x"] = load()  # doctest: +SKIP
    >>> tracker.print_diff()  # doctest: +SKIP
    """

    def __init__(self, *, native: bool = False) -> None:
        # Loaded now, so that it is not in the first difference.
        from heapscope.objects import leak_report, snapshot  # noqa: F401

        self._native = native
        self._classes: dict[str, type] = {}
        self._begun = time.monotonic()
        self._heaps: list[Heap] = []
        self.history: list[ClassCounts] = []
        heap(native=native)  # what reads snapshots is loaded by this one
        self.snapshot()

    def snapshot(self, label: str = "") -> Heap:
        """Take a snapshot: what the next `diff` compares with.

        The latest three are kept.
        """
        taken = heap(native=self._native)
        self._heaps = [*self._heaps, taken][-_KEPT:]
        if self._classes:
            self.history.append(self._count_classes(taken, label))
        return taken

    @property
    def latest(self) -> Heap:
        """The latest snapshot."""
        return self._heaps[-1]

    def diff(
        self, earlier: Heap | None = None, later: Heap | None = None
    ) -> list[tuple[str, int, int]]:
        """Return what changed by type.

        Parameters
        ----------
        earlier : Heap, optional
            Compare with this; without, with the latest snapshot.
        later : Heap, optional
            Compare this; without, a snapshot taken now, which is then the latest.

        Returns
        -------
        list of (type, objects, bytes)
            The largest increase in bytes first; functions, modules and frames by name, as
            ``function (as_sql)``.
        """
        if later is not None and earlier is None:
            raise ValueError("a later snapshot needs an earlier one to be compared with")
        before = self.latest if earlier is None else earlier
        after = self.snapshot() if later is None else later
        counts = {kind: (-count, -size) for kind, count, size in before.summary()}
        for kind, count, size in after.summary():
            less = counts.get(kind, (0, 0))
            counts[kind] = (less[0] + count, less[1] + size)
        rows = [(kind, count, size) for kind, (count, size) in counts.items() if count or size]
        rows.sort(key=lambda row: (-row[2], row[0]))
        return rows

    def format_diff(
        self,
        earlier: Heap | None = None,
        later: Heap | None = None,
        *,
        limit: int | None = MOST_ROWS,
    ) -> Iterator[str]:
        """Yield the lines of `print_diff`."""
        return summary_lines(self.diff(earlier, later), limit)

    def print_diff(
        self,
        earlier: Heap | None = None,
        later: Heap | None = None,
        *,
        limit: int | None = MOST_ROWS,
        file: TextIO | None = None,
    ) -> None:
        """Print what changed by type, in the layout of Pympler's SummaryTracker.

        Parameters
        ----------
        earlier, later : Heap, optional
            As for `diff`.
        limit : int or None
            How many types at most, those with the largest increase; None for all.
        file : file, optional
            Where to, instead of stdout.
        """
        stream = sys.stdout if file is None else file
        for line in self.format_diff(earlier, later, limit=limit):
            stream.write(line + "\n")

    def growth(
        self, first: Heap | None = None, second: Heap | None = None, third: Heap | None = None
    ) -> LeakReport:
        """Return what was made between two snapshots and is still there in a third.

        What merely was in use while the second was taken is gone in the third, and what was made
        after the second is not judged yet: what is left came to stay.

        Parameters
        ----------
        first, second, third : Heap, optional
            Without, the latest three: those of `snapshot`, `diff` and the tracker's making.

        Raises
        ------
        ValueError
            There were not three snapshots.
        """
        from heapscope.objects.leak_report import report_growth

        given = [each for each in (first, second, third) if each is not None]
        heaps = given or self._heaps
        if len(heaps) != _KEPT:
            raise ValueError(
                f"growth compares three snapshots, and there are {len(heaps)}: "
                "call snapshot() before and after what may leak"
            )
        return report_growth(*heaps)

    def track_class(self, kind: type, name: str | None = None) -> None:
        """Follow a class from now on: each snapshot adds its counts to `history`.

        Parameters
        ----------
        kind : type
            The class; its subclasses are others.
        name : str, optional
            What `history` calls it; without, its module and name.
        """
        known = name or f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        self._classes[known] = kind
        counted = self._count_classes(self.latest, "")
        if self.history and self.history[-1].time_s == self._taken_at(self.latest):
            self.history[-1] = counted
        else:
            self.history.append(counted)

    def untrack_class(self, kind: type) -> None:
        """Follow a class no more; what `history` has of it stays."""
        self._classes = {name: each for name, each in self._classes.items() if each is not kind}

    def print_classes(self, file: TextIO | None = None) -> None:
        """Print the history of the tracked classes: objects, own and retained bytes."""
        from heapscope.objects.leak_report import class_lines

        stream = sys.stdout if file is None else file
        for line in class_lines(self.history):
            stream.write(line + "\n")

    def _count_classes(self, taken: Heap, label: str) -> ClassCounts:
        counts = {}
        for name, kind in self._classes.items():
            members = taken.instances(kind) & taken
            counts[name] = (members.count, members.size, members.retained_bytes)
        return ClassCounts(self._taken_at(taken), label, counts)

    def _taken_at(self, taken: Heap) -> float:
        return int(taken.info["time_ns"]) / 1e9 - self._begun

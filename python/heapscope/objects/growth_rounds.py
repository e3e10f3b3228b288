"""What a piece of work leaves behind, seen by looks at the heap before and after."""

from __future__ import annotations

import itertools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap

__all__ = ["grown_between", "grown_containers", "grown_each_round", "grown_values"]

# What holds no objects and may take any number of bytes.
_VALUES = ("str", "bytes", "int", "bytearray", "array.array", "numpy.ndarray")
_LEAST_GROWTH = 64  # bytes a round


def grown_between(before: Heap, after: Heap) -> ObjectSet:
    """Return what is new and held by more than variables of running functions."""
    return after.relative_to(before) & after.held_without_frames


def grown_each_round(looks: list[Heap]) -> ObjectSet:
    """Return what stayed of the types of which every round but the last left some.

    Parameters
    ----------
    looks : list of Heap
        Before the first round, and after each.
    """
    last = looks[-1]
    since = [last.relative_to(look) & last.held_without_frames for look in looks]
    left = [since[index] - since[index + 1] for index in range(len(looks) - 1)]
    kinds = set.intersection(*({row.kind for row in each.by_type.rows} for each in left[:-1]))
    grown = since[0] - since[0]
    for row in since[0].by_type.rows:
        if row.kind in kinds:
            grown |= row.set
    return grown


def grown_containers(looks: list[Heap], explained: ObjectSet) -> list[dict[str, Any]]:
    """Return the containers that got longer in every round, but for those of what is explained.

    Parameters
    ----------
    looks : list of Heap
        Before the first round, and after each.
    explained : ObjectSet
        Objects that were found to stay: containers that hold one of them grew by it.
    """
    last = looks[-1]
    among = (last & last.held_without_frames) - explained - explained.referrers
    earlier = [look.graph for look in looks[:-1]]
    rows = last.graph.grown_container_rows(earlier, among.members)
    for row in rows:
        if row["count"] == 1:
            row["held_by"] = last.graph.path_text(row["example"])
    return rows


def grown_values(looks: list[Heap], explained: set[str]) -> list[dict[str, Any]]:
    """Return the types of values that took more bytes after every round, each longer than before.

    A text that is replaced by a longer one in each round is a new object each time, and none of
    them stays: only the bytes tell.

    Parameters
    ----------
    looks : list of Heap
        Before the first round, and after each.
    explained : set of str
        Types of which growth was found.
    """
    sizes = [
        {row.kind: row.size for row in (look & look.held_without_frames).by_type.rows}
        for look in looks
    ]
    rows = []
    for kind in _VALUES:
        taken = [each.get(kind, 0) for each in sizes]
        steps = [after - before for before, after in itertools.pairwise(taken)]
        if kind in explained or min(steps) < _LEAST_GROWTH:
            continue
        last, before = looks[-1], looks[-2]
        new = last.relative_to(before) & last.held_without_frames
        largest = [row for row in new.by_type.rows if row.kind == kind]
        if not largest:
            continue
        found = last.graph.grown_rows(largest[0].set.members)
        row = max(found, key=lambda each: int(each["bytes"]))
        rows.append({**row, "count": 1, "bytes": sum(steps), "items": 0})
    return rows

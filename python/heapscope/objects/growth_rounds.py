"""What a piece of work leaves behind, seen by looks at the heap before and after."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap

__all__ = ["grown_between", "grown_containers", "grown_each_round"]


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

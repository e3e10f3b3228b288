"""The pattern of references that lead to a set, by kinds: heapy's ``rp``.

Line 0 is the set. Below each line stand the kinds of objects that refer to it, the largest first,
each with what these are. ``[-]``: its referrers follow; ``[+]``: they are left out, at this depth;
``[S]``: nothing is said of who refers to modules, types, code and frames; ``[R]``: only roots do;
``[^ 3]``: the same objects as in line 3.
"""

from __future__ import annotations

from heapscope.objects.partition_table import MOST_ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heapscope.objects.object_set import ObjectSet

__all__ = ["ReferencePattern"]

_DEPTH = 7
_WIDTH = 80
_MOST_LINES = 1000


class ReferencePattern:
    """What refers to a set, and to that, and so on; ``[n]`` is the set of line n.

    Parameters
    ----------
    members : ObjectSet
        The set.
    depth : int
        How far back.
    dominators : bool
        Follow immediate dominators instead of referrers.
    first : int
        The line that printing begins with.
    """

    def __init__(
        self,
        members: ObjectSet,
        depth: int = _DEPTH,
        *,
        dominators: bool = False,
        first: int = 0,
    ) -> None:
        self._set = members
        self._first = first
        self._told = members.heap.graph.retainers(members.members, depth, _MOST_LINES, dominators)

    def __repr__(self) -> str:
        rows = self._told["rows"]
        lines = [] if self._first else ["Reference Pattern by <[dict of] class>."]
        last = len(rows)
        if last - self._first > MOST_ROWS + 1:
            last = self._first + MOST_ROWS
        lines += [self._line(index) for index in range(self._first, last)]
        if last < len(rows):
            lines.append("<Type e.g. '_.more' for more.>")
        elif self._told["rows_left_out"]:
            lines.append(f"<{self._told['rows_left_out']:,} more lines are left out.>")
        return "\n".join(lines)

    def __len__(self) -> int:
        return len(self._told["rows"])

    def __getitem__(self, index: int) -> ObjectSet:
        from heapscope.objects.object_set import ObjectSet

        return ObjectSet(self._set.heap, self._told["rows"][index]["set"])

    @property
    def more(self) -> ReferencePattern:
        """The lines after these."""
        following = object.__new__(ReferencePattern)
        following._set, following._told = self._set, self._told
        following._first = min(self._first + MOST_ROWS, len(self))
        return following

    def _line(self, index: int) -> str:
        row: dict[str, Any] = self._told["rows"][index]
        start = f"{index:2d}: {row['place']} "
        fill = (" " if index & 1 else "-") * 100
        mark = row["mark"] if row["mark"] != "^" else f"^ {row['seen']}"
        start += f"{fill[len(start) : 9 + row['depth']]} [{mark}] "
        return start + self._summary(index, _WIDTH - len(start))

    def _summary(self, index: int, room: int) -> str:
        """Write how many there are of what, and the names of as many as there is room for."""
        row = self._told["rows"][index]
        members = self[index]
        text = f"{row['count']} {row['kind']}: "
        left = room - len(text)
        names: list[str] = []
        used = 0
        for member in members.members:
            name = members.name_of(member)
            if names and used + len(name) + 2 >= left:
                names[-1] += "..."
                break
            used += len(name) + 2
            names.append(name)
        text += ", ".join(sorted(names))
        return text if len(text) <= room else text[: room - 3] + "..."

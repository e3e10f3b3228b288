"""What changed from one snapshot to another: `Heap.compare`."""

from __future__ import annotations

from heapscope.objects.object_set import ObjectSet
from heapscope.objects.type_tables import MOST_ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heapscope.objects.snapshot import Heap

__all__ = ["HeapComparison", "changes", "up_to"]


def up_to(unproven: int, by_birth: bool) -> str:
    """Begin a sentence about objects of which it is not known whether they are the same."""
    return f"{'Up' if by_birth else 'Not tracked: up'} to {unproven:,}"


class HeapComparison:
    """Two snapshots, by kinds; prints as a table.

    Attributes
    ----------
    rows : list of dict
        kind, a_count, b_count, a_bytes, b_bytes, delta_count, delta_bytes and status (of the kind:
        ``"new"``, ``"gone"``, ``"grown"``, ``"shrunk"`` or ``"same"``); the largest change of
        bytes first. They sum to the difference of the snapshots.
    group_by : str
        What a row is.
    same_process : bool
        Of two processes only counts and bytes are compared: no object of the one is known to be
        an object of the other, and what follows is None.
    identity : str or None
        What tells objects from each other: ``"birth"`` within one recording, else ``"address"``.
    new, gone : ObjectSet or None
        What only the later, and only the earlier snapshot has, garbage left out.
    unproven : int or None
        How many of those in both may be others just like them.
    """

    def __init__(self, earlier: Heap, later: Heap, group_by: str) -> None:
        self.group_by = group_by
        self.rows = changes(earlier, later, group_by)
        self.delta_count = later.count - earlier.count
        self.delta_bytes = later.size - earlier.size
        self.new: ObjectSet | None = None
        self.gone: ObjectSet | None = None
        told = later.graph.compare(earlier.graph)
        self.same_process: bool = told["same_process"]
        self.identity: str | None = told["identity"]
        self.unproven: int | None = None
        if self.same_process:
            self.unproven = len(told["unproven"])
            self.new = ObjectSet(later, later.members & told["new"])
            self.gone = ObjectSet(earlier, earlier.members & told["gone"])

    def __repr__(self) -> str:
        changed = [row for row in self.rows if row["status"] != "same"]
        lines = [
            f"{self.delta_count:+,} objects, {self.delta_bytes:+,} bytes, by {self.group_by}",
            f"{'objects':>10} {'bytes':>14}",
        ]
        lines += [
            f"{row['delta_count']:>+10,} {row['delta_bytes']:>+14,}  {row['kind']}"
            for row in changed[:MOST_ROWS]
        ]
        if len(changed) > MOST_ROWS:
            lines.append(f"<{len(changed) - MOST_ROWS} more rows>")
        if self.new is not None and self.gone is not None:
            lines.append(f"{self.new.count:,} objects are new, {self.gone.count:,} are gone.")
            if self.unproven:
                those = up_to(self.unproven, self.identity == "birth")
                lines.append(f"{those} in both may be others just like them.")
        else:
            lines.append("Two processes: counts and bytes are compared, not objects.")
        return "\n".join(lines)


def changes(earlier: Heap, later: Heap, by: str) -> list[dict[str, Any]]:
    """Return what changed by kind, as `HeapComparison.rows`."""
    kinds: dict[str, dict[str, Any]] = {}
    for heap, sign, column in ((earlier, -1, "a"), (later, 1, "b")):
        for row in heap.by(by).rows:
            entry = kinds.setdefault(
                row.kind,
                {
                    "kind": row.kind,
                    "a_count": 0,
                    "b_count": 0,
                    "a_bytes": 0,
                    "b_bytes": 0,
                    "delta_count": 0,
                    "delta_bytes": 0,
                    "status": "same",
                },
            )
            entry[f"{column}_count"] += row.count
            entry[f"{column}_bytes"] += row.size
            entry["delta_count"] += sign * row.count
            entry["delta_bytes"] += sign * row.size
    rows = list(kinds.values())
    for entry in rows:
        entry["status"] = _status(entry)
    rows.sort(key=lambda entry: (-abs(entry["delta_bytes"]), entry["kind"]))
    return rows


def _status(entry: dict[str, Any]) -> str:
    if not entry["a_count"]:
        return "new"
    if not entry["b_count"]:
        return "gone"
    if entry["delta_bytes"] or entry["delta_count"]:
        grown = (entry["delta_bytes"], entry["delta_count"]) > (0, 0)
        return "grown" if grown else "shrunk"
    return "same"

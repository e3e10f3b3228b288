"""What came to stay, one row a leak: type, growth, allocation site, holder, bytes it would free."""

from __future__ import annotations

from heapscope.objects.comparison import up_to
from heapscope.objects.taking import PACKAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap
    from heapscope.objects.tracker import ClassCounts

__all__ = ["Leak", "LeakReport", "class_lines", "report_growth", "report_set"]

_UNKNOWN = "unknown"


class Leak:
    """Objects of one type that came to stay with one holder, or containers that grow there.

    Attributes
    ----------
    type : str
        Their type.
    objects, bytes : int
        How many, and their own bytes; of containers, what those have grown by.
    items : int or None
        Of containers that were there before: by how many items they grew.
    held_by : str
        The path to what holds them and was there before.
    allocated_at : str or None
        The line that allocated most of them, as ``FILE:LINE FUNCTION``; None without tracking.
    of_block : bool
        They are of a type that CPython makes again in used blocks (lists, dicts, tuples, floats):
        that line allocated the block, and maybe for another object.
    stack : list of dict
        The whole stack there, outermost first: function, file, line.
    freed_bytes : int
        What would be freed if the holder let go of them.
    example : int
        The id of one of them in the last snapshot.
    """

    __slots__ = (
        "allocated_at",
        "bytes",
        "example",
        "freed_bytes",
        "held_by",
        "items",
        "objects",
        "of_block",
        "stack",
        "type",
    )

    def __init__(self, row: dict[str, Any]) -> None:
        self.type: str = row["type"]
        self.objects: int = row["count"]
        self.bytes: int = row["bytes"]
        self.items: int | None = row.get("items")
        self.held_by: str = row["held_by"]
        self.of_block: bool = row["stack_of_block"]
        self.stack: list[dict[str, Any]] = row["stack"]
        if self.of_block and self.stack and self.stack[-1]["file"].startswith(PACKAGE):
            self.stack = []  # heapscope had the block before
        self.freed_bytes: int = row["freed_bytes"]
        self.example: int = row["example"]
        self.allocated_at: str | None = None
        if self.stack:
            frame = self.stack[-1]
            self.allocated_at = f"{frame['file']}:{frame['line']} {frame['function']}"

    def __str__(self) -> str:
        allocated = "in a block allocated at" if self.of_block else "allocated at"
        at = f", {allocated} {self.allocated_at}" if self.allocated_at else ""
        what = f"+{self.objects:,} {self.type} ({self.bytes:,} bytes)"
        if self.items is not None:
            size = f"{self.bytes:,} bytes"
            grew = f"{self.items:,} items ({size})" if self.items else size
            what = f"{self.objects:,} {self.type} grew by {grew}"
        return f"{what}{at}, held by {self.held_by}; {self.freed_bytes:,} bytes freed if released"

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


class LeakReport:
    """Rows of what came to stay, those that would free most first; prints as a table.

    Attributes
    ----------
    rows : list of Leak
        One for each type and holder.
    objects : ObjectSet
        All that came to stay, with what it holds.
    unproven : int
        How many objects that are taken for old ones may be new ones just like them.
    """

    def __init__(self, objects: ObjectSet, unproven: int = 0) -> None:
        self.objects = objects
        self.unproven = unproven
        self.rows = [Leak(row) for row in objects.heap.graph.grown_rows(objects.members)]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Leak]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Leak:
        return self.rows[index]

    def __bool__(self) -> bool:
        return bool(self.rows)

    def __repr__(self) -> str:
        return "\n".join([*self._table(), *self._unproven()])

    def _unproven(self) -> Iterator[str]:
        if self.unproven:
            those = up_to(self.unproven, self.objects.heap.graph.tracked)
            yield f"{those} of the others may be new ones just like old ones"

    def _table(self) -> Iterator[str]:
        if not self.rows:
            yield "Nothing came to stay."
            return
        cells = [("objects", "bytes", "frees", "type", "held by", "allocated at")]
        cells += [
            (
                f"+{row.objects:,}",
                f"+{row.bytes:,}",
                f"{row.freed_bytes:,}",
                row.type,
                row.held_by,
                row.allocated_at or _UNKNOWN,
            )
            for row in self.rows
        ]
        yield from _align(cells, 3)


def report_growth(first: Heap, second: Heap, third: Heap) -> LeakReport:
    """Report what was made after `first`, was there in `second`, and is in `third`."""
    unproven = third.graph.compare(first.graph)["unproven"]
    return LeakReport(third.relative_to(first) - third.relative_to(second), len(unproven))


def report_set(objects: ObjectSet) -> LeakReport:
    """Report objects that stay, by type and holder."""
    return LeakReport(objects)


def class_lines(history: Sequence[ClassCounts]) -> Iterator[str]:
    """Yield a table of tracked classes over time: a line for each moment and class."""
    cells = [("time", "objects", "bytes", "retained", "class", "")]
    before: dict[str, int] = {}
    for moment in history:
        for name, (count, size, retained) in moment.classes.items():
            change = f" ({count - before[name]:+,})" if name in before else ""
            before[name] = count
            cells.append(
                (
                    f"{moment.time_s:.3f} s",
                    f"{count:,}{change}",
                    f"{size:,}",
                    f"{retained:,}",
                    name,
                    moment.label,
                )
            )
    yield from _align(cells, 4)


def _align(cells: Sequence[tuple[str, ...]], figures: int) -> Iterator[str]:
    """Yield lines of columns; the first ones are figures and stand to the right."""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row in cells:
        padded = [
            text.rjust(width) if column < figures else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(padded).rstrip()

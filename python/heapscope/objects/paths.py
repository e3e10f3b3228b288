"""Lists of paths: who holds objects, a line each, in Python syntax where Python can say it."""

from __future__ import annotations

from heapscope.objects.partition_table import MOST_ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from heapscope.objects.object_set import ObjectSet

    Without = Iterable["ObjectSet | tuple[ObjectSet, ObjectSet]"]

__all__ = ["Path", "PathList", "between", "find_paths", "shortest_paths"]


class Path:
    """One path from a root, or from another object.

    Attributes
    ----------
    text : str
        The path: ``sys.modules['__main__'].CACHE['x'][3].name``.
    evaluates : bool
        Whether the text is Python that gives the object where `sys` is in scope.
    steps : list of dict
        The objects on the way: id, type, and name, what the one before calls it (None of the
        first).
    """

    __slots__ = ("evaluates", "steps", "text")

    def __init__(self, row: dict[str, Any]) -> None:
        self.text: str = row["text"]
        self.evaluates: bool = row["evaluates"]
        self.steps: list[dict[str, Any]] = row["steps"]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{self.text}>"

    def __len__(self) -> int:
        return len(self.steps)


class PathList:
    """Paths, made when they are looked at; prints ten, `more` has the next.

    ``paths[0]`` is the first `Path`, ``for path in paths`` yields all.
    """

    def __init__(
        self, objects: ObjectSet, found: list[Path] | None = None, *, first: int = 0
    ) -> None:
        self._objects = objects
        self._found = found
        self._first = first

    def __len__(self) -> int:
        return len(self._objects.members) if self._found is None else len(self._found)

    def __getitem__(self, index: int) -> Path:
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self._found is not None:
            return self._found[index]
        rows = self._objects.heap.graph.paths(self._objects.members[index], 1)
        return Path(rows[0] if rows else {"text": "<nothing>", "evaluates": False, "steps": []})

    def __iter__(self) -> Iterator[Path]:
        return (self[index] for index in range(len(self)))

    @property
    def more(self) -> PathList:
        """The paths after these."""
        first = min(self._first + MOST_ROWS, len(self))
        return PathList(self._objects, self._found, first=first)

    def __repr__(self) -> str:
        if self._first >= len(self):
            return "<No more paths>" if self._first else "<No paths>"
        last = min(self._first + MOST_ROWS, len(self))
        lines = [f"{index:2d}: {self[index]}" for index in range(self._first, last)]
        if last < len(self):
            lines.append(f"<... {len(self) - last} more paths ...>")
        return "\n".join(lines)


def shortest_paths(objects: ObjectSet) -> PathList:
    """Return the best path to each object of a set."""
    return PathList(objects)


def find_paths(objects: ObjectSet, count: int, without: Without) -> PathList:
    """Return the best paths to the one object of a set, or one to each of its first objects."""
    graph = objects.heap.graph
    excluded = _excluded(without)
    members = objects.members
    found: list[Path] = []
    if len(members) == 1:
        found = [Path(row) for row in graph.paths(members[0], count, excluded)]
    else:
        for index in range(min(count, len(members))):
            found += [Path(row) for row in graph.paths(members[index], 1, excluded)]
    return PathList(objects, found)


def between(first: ObjectSet, last: ObjectSet, count: int) -> PathList:
    """Return the best paths from the one object of a set to that of another."""
    rows = first.heap.graph.paths_between(first.only(), last.only(), count)
    return PathList(last, [Path(row) for row in rows])


def _excluded(without: Without) -> list[tuple[int, int]]:
    """Return the references that paths must not follow."""
    pairs: list[tuple[int, int]] = []
    for each in without:
        if isinstance(each, tuple):
            sources, targets = each
            wanted = set(targets.members)
        else:
            sources, wanted = each, None
        graph = sources.heap.graph
        for source in sources.members:
            referred = graph.references(source, 1 << 31)["rows"]
            pairs += [
                (source, row["id"]) for row in referred if wanted is None or row["id"] in wanted
            ]
    return pairs

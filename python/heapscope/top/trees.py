"""The call tree on the screen: calls are opened one by one, and only opened ones exist here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapscope.cli import units
from heapscope.cli.fitting import width_of
from heapscope.cli.metrics import METRICS
from heapscope.top.lines import Rows, cell
from heapscope.top.tables import bar, place_and_source

if TYPE_CHECKING:
    from heapscope.top.browser import Answer
    from heapscope.top.lines import Piece

_MOST = 200  # calls shown below one before the rest is folded
_MAIN = 0.9  # a callee with more than this share of its caller is opened with it
_WIDEST_GUIDE = 0.5


class Item:
    """A line of the tree: a call, or the calls that are folded below one."""

    __slots__ = ("call", "is_open", "level", "parts", "rest")

    def __init__(self, call: dict[str, Any], level: int, parts: int, rest: int = 0) -> None:
        self.call = call
        self.level = level  # calls above it
        self.parts = parts  # of these, those where the memory parts: what it is indented by
        self.rest = rest
        self.is_open = False


class TreeRows(Rows):
    """The opened part of a call tree.

    Parameters
    ----------
    answer : Answer
        One with a tree.
    """

    def __init__(self, answer: Answer) -> None:
        assert answer.tree is not None
        self._answer = answer
        self._tree = answer.tree
        self._metric = METRICS[answer.view.metric]
        self._key = "blocks" if self._metric.by_count else "bytes"
        self._items = self._below(self._tree.call(0), 0, 0)
        if self._items:
            self.open(0)

    def count(self) -> int:
        """Return how many lines there are now."""
        return len(self._items)

    def item(self, index: int) -> dict[str, Any] | None:
        """Return the call of a line; None for folded ones and past the end."""
        if not 0 <= index < len(self._items) or self._items[index].rest:
            return None
        return self._items[index].call

    def path(self, index: int) -> list[dict[str, Any]]:
        """Return the calls above a line, nearest first."""
        found = []
        level = self._items[index].level
        for item in reversed(self._items[:index]):
            if item.level < level and not item.rest:
                found.append(item.call)
                level = item.level
        return found

    def open(self, index: int) -> bool:
        """Open a line, and on along the callee that has nearly all; whether anything opened."""
        item = self._items[index]
        if item.rest:
            shown = self._tree.count_children(item.call["id"]) - item.rest
            more = self._below(item.call, item.level, item.parts, shown)
            self._items[index : index + 1] = more
            return True
        if item.is_open or not item.call["has_children"]:
            return False
        while True:
            item.is_open = True
            below = self._below(item.call, item.level + 1, item.parts)
            self._items[index + 1 : index + 1] = below
            first = below[0]
            if not first.call["has_children"] or first.rest:
                return True
            if first.call[self._key] < _MAIN * item.call[self._key]:
                return True
            item, index = first, index + 1

    def close(self, index: int) -> int:
        """Close a line, or go above a closed one; return where the cursor belongs."""
        item = self._items[index]
        if not item.is_open:
            parent = self._parent(index)
            return index if parent is None else parent
        end = index + 1
        while end < len(self._items) and self._items[end].level > item.level:
            end += 1
        del self._items[index + 1 : end]
        item.is_open = False
        return index

    def header(self, width: int) -> list[Piece]:
        """Name the columns."""
        names = [name.rjust(size) for name, size in self._columns(width)]
        says = "allocating line, then who called it" if self._answer.view.inverted else "call"
        return [("  ".join([*names, says]), "dim")]

    def row(self, index: int, width: int) -> list[Piece]:
        """Write the figures, the guide and the label."""
        item = self._items[index]
        whole = self._answer.total
        call = item.call
        if item.rest:
            blank = " " * sum(size + 2 for _, size in self._columns(width))
            return [
                (
                    blank + self._guide(item, width) + f"  {units.count(item.rest)} more (enter)",
                    "dim",
                )
            ]
        figures = {
            "bytes": units.size(call["bytes"]),
            "count": units.count(call["blocks"]),
            "share": units.share(call[self._key], whole),
            "": bar(call[self._key] / whole if whole else 0),
            "own": units.size(call["self_bytes"]) if call["self_bytes"] else "",
        }
        pieces = []
        for name, size in self._columns(width):
            style = "bar" if not name else "own" if name in ("bytes", "count") else ""
            pieces.append(cell(figures[name], size, style))
        room = width - sum(width_of(text) for text, _ in pieces)
        guide = self._guide(item, room)
        mark = "▾ " if item.is_open else "▸ " if call["has_children"] else "· "
        pieces.append((guide + mark, "dim"))
        return [*pieces, *place_and_source(call, room - width_of(guide) - 2)]

    def _columns(self, width: int) -> list[tuple[str, int]]:
        columns = [("count", 13) if self._metric.by_count else ("bytes", 9), ("share", 6)]
        if width >= 96:
            columns.append(("", 10))
        if not self._answer.view.inverted:
            columns.append(("own", 9))
        return columns

    def _guide(self, item: Item, width: int) -> str:
        most = int(width * _WIDEST_GUIDE)
        wide = 2 * item.parts
        return "  " * item.parts if wide <= most else "…" + " " * (most - 1)

    def _below(self, call: dict[str, Any], level: int, parts: int, first: int = 0) -> list[Item]:
        """Make the lines below a call; where there is only one the memory does not part."""
        calls = self._tree.children(call["id"], first + _MOST)[first:]
        every = self._tree.count_children(call["id"])
        if every > 1 and call["id"] and not first:
            parts += 1
        made = [Item(each, level, parts) for each in calls]
        rest = every - first - len(calls)
        if rest:
            made.append(Item(call, level, parts, rest))
        return made

    def _parent(self, index: int) -> int | None:
        level = self._items[index].level
        for above in range(index - 1, -1, -1):
            if self._items[above].level < level:
                return above
        return None

"""What a picture of objects shows: boxes, arrows with names, and what was left out.

Made from a heap snapshot breadth first, within limits; nothing of the program runs but the
functions that the caller gave.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Literal

    from heapscope import _analysis

    Direction = Literal["references", "referrers", "dominated"]
    Row = dict[str, Any]

MOST_NODES = 300
"""Boxes of one picture; more than that nobody reads, and layouts take minutes."""
_LONGEST_TEXT = 40
_MOST_CROSSING = 3  # arrows of one object to boxes that are there already
_NOT_ENTERED = ("type", "module")
_NAMING = ("str", "bytes", "int")


@dataclass
class Node:
    """A box.

    Attributes
    ----------
    key : str
        Its name in the picture.
    title : str
        The type, a root's label, or how many were left out.
    text : str
        What the object is, where the snapshot knows it.
    size_bytes, retained_bytes : int or None
        Shallow and retained size.
    kind : {"start", "object", "root", "rest"}
        Why it is there.
    column : int
        Steps from the start; columns follow one another from left to right.
    highlight : bool
        Whether the caller wants it to stand out.
    """

    key: str
    title: str
    text: str = ""
    size_bytes: int | None = None
    retained_bytes: int | None = None
    kind: Literal["start", "object", "root", "rest"] = "object"
    column: int = 0
    highlight: bool = False


@dataclass
class Edge:
    """An arrow between two boxes; `tree` where the second was found through it."""

    source: str
    target: str
    name: str = ""
    tree: bool = False


@dataclass
class PictureGraph:
    """All that a picture shows.

    Attributes
    ----------
    title : str
        What it is a picture of.
    nodes, edges
        In the order in which they were found.
    mirrored : bool
        Whether arrows lead towards the start, which then stands at the right.
    left_out : list of str
        What the limits kept out, a sentence each.
    """

    title: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    mirrored: bool = False
    left_out: list[str] = field(default_factory=list)


class Collector:
    """Collects a picture from a snapshot.

    Parameters
    ----------
    graph : heapscope._analysis.HeapGraph
        The snapshot.
    max_depth : int
        Steps from the start.
    too_many : int
        References of one object that are followed; of more, the biggest are.
    keep, highlight : callable, optional
        Of a row of `graph`: whether to show it, whether it stands out.
    ignore : iterable of int
        Ids that are not shown.
    """

    def __init__(
        self,
        graph: _analysis.HeapGraph,
        *,
        max_depth: int,
        too_many: int,
        keep: Callable[[Row], bool] | None = None,
        highlight: Callable[[Row], bool] | None = None,
        ignore: Iterable[int] = (),
    ) -> None:
        self._graph = graph
        self._max_depth = max_depth
        self._too_many = too_many
        self._keep = keep
        self._highlight = highlight
        self._ignore = frozenset(ignore)
        self._labels = {root["id"]: root["label"] for root in graph.roots()}
        self._hidden = 0
        self._unfollowed = 0
        self._crossing = 0
        self._closed = False
        self._globals = 0

    def collect(self, title: str, starts: Sequence[int], direction: Direction) -> PictureGraph:
        """Follow references from the starts, or back to who refers, or down the dominator tree."""
        picture = PictureGraph(title, mirrored=direction == "referrers")
        queue: deque[tuple[int, int]] = deque()
        for start in dict.fromkeys(starts):
            picture.nodes[str(start)] = self._node(self._row(start), "start", 0)
            queue.append((start, 0))
        full = False
        while queue:
            parent, depth = queue.popleft()
            rows, total = self._neighbours(parent, direction)
            known = [row for row in rows if str(row["id"]) in picture.nodes]
            for row in known[:_MOST_CROSSING]:
                self._connect(picture, parent, row, tree=False)
            self._crossing += max(0, len(known) - _MOST_CROSSING)
            new = [row for row in rows if str(row["id"]) not in picture.nodes]
            rest = total - len(rows)
            if depth == self._max_depth:
                self._unfollowed += len(new) + rest
                if new or rest:
                    self._add_rest(picture, parent, len(new) + rest, depth + 1, "not followed")
                continue
            shown: set[int] = set()
            for row in new:
                key = str(row["id"])
                if key in picture.nodes:
                    self._connect(picture, parent, row, tree=False)
                    continue
                if len(shown) >= self._too_many or len(picture.nodes) >= MOST_NODES:
                    full = full or len(picture.nodes) >= MOST_NODES
                    rest += 1
                    continue
                kind = "root" if row["id"] in self._labels else "object"
                picture.nodes[key] = self._node(row, kind, depth + 1)
                self._connect(picture, parent, row, tree=True)
                shown.add(row["id"])
                if direction == "references" and row["type"] in _NOT_ENTERED:
                    self._closed = True
                elif kind != "root":
                    queue.append((row["id"], depth + 1))
            if rest > 0:
                self._hidden += rest
                self._add_rest(picture, parent, rest, depth + 1, "more")
        if direction == "referrers":
            for node in picture.nodes.values():
                node.column = -node.column
        picture.left_out = self._told(full, direction)
        return picture

    def chain(self, title: str, chains: Sequence[Sequence[tuple[int, str]]]) -> PictureGraph:
        """Draw chains of (id, name by which the one before refers to it)."""
        picture = PictureGraph(title)
        for chain in chains:
            for position, (each, name) in enumerate(chain):
                key = str(each)
                if key not in picture.nodes:
                    last = position == len(chain) - 1
                    kind = "root" if each in self._labels else "start" if last else "object"
                    picture.nodes[key] = self._node(self._row(each), kind, position)
                    tree = True
                else:
                    tree = False
                if position:
                    edge = Edge(str(chain[position - 1][0]), key, name, tree)
                    if edge not in picture.edges:
                        picture.edges.append(edge)
        return picture

    def _row(self, each: int) -> Row:
        return self._graph.object(each)

    def _neighbours(self, each: int, direction: Direction) -> tuple[list[Row], int]:
        """Return rows in the order in which they are shown, and how many there are in all."""
        enough = max(4 * self._too_many, 200)  # of which the biggest are chosen
        if direction == "dominated":
            found = self._graph.dominator_children(each, enough)
        elif direction == "references":
            found = self._graph.references(each, enough, 0)
        else:
            found = self._graph.referrers(each, enough, 0)
        rows, seen = [], set()
        gone = 0
        for row in found["rows"]:
            shown = row["id"] not in self._ignore and row["id"] not in seen
            name = row.get("name") or ""
            if direction == "references" and row["type"] in _NAMING:
                # The value's arrow has the key for its name.
                shown = shown and not name.startswith("list(_.keys())")
            if direction == "references" and name == ".__class__":
                self._closed = True  # each box says its type
                shown = False
            if direction == "referrers" and name.endswith(".__globals__"):
                self._globals += 1
                shown = False
            if shown and self._keep is not None and row["id"] not in self._labels:
                shown = self._keep(row)
            if not shown:
                gone += 1
                continue
            seen.add(row["id"])
            rows.append(row)
        if len(rows) > self._too_many:
            rows.sort(key=lambda row: -row["retained_bytes"])
        return rows, found["total"] - gone

    def _node(self, row: Row, kind: str, column: int) -> Node:
        label = self._labels.get(row["id"])
        if label is not None:
            return Node(str(row["id"]), label, kind="root", column=column)
        text = row.get("text") or self._graph.object(row["id"]).get("text")
        node = Node(
            str(row["id"]),
            row["type"],
            _short(text),
            row["size_bytes"],
            row["retained_bytes"],
            "start" if kind == "start" else "object",
            column,
        )
        node.highlight = self._highlight is not None and bool(self._highlight(row))
        return node

    def _connect(self, picture: PictureGraph, parent: int, row: Row, *, tree: bool) -> None:
        name = row.get("name") or ""
        ends = (str(parent), str(row["id"]))
        source, target = ends[::-1] if picture.mirrored else ends
        edge = Edge(source, target, name, tree)
        if edge not in picture.edges:
            picture.edges.append(edge)

    def _add_rest(
        self, picture: PictureGraph, parent: int, count: int, column: int, word: str
    ) -> None:
        key = f"rest-{parent}"
        picture.nodes[key] = Node(key, f"{count:,} {word}", kind="rest", column=column)
        ends = (str(parent), key)
        source, target = ends[::-1] if picture.mirrored else ends
        picture.edges.append(Edge(source, target, "", tree=True))

    def _told(self, full: bool, direction: Direction) -> list[str]:
        what = "objects" if direction == "dominated" else direction
        told = []
        if self._hidden:
            told.append(
                f"{self._hidden:,} {what} left out, the smallest: "
                f"at most {self._too_many} of one object are shown (too_many=)"
            )
        if self._unfollowed:
            told.append(f"{self._unfollowed:,} {what} lie deeper than max_depth={self._max_depth}")
        if self._crossing:
            told.append(f"{self._crossing:,} arrows between boxes that are shown are left out")
        if self._closed:
            told.append("classes and modules are not entered: begin with one to see what it holds")
        if self._globals:
            told.append(f"{self._globals:,} functions that refer to their globals are left out")
        if full:
            told.append(f"a picture has at most {MOST_NODES} boxes")
        return told


def _short(text: Any) -> str:
    """Write what is known of a value as Python would, in a few characters."""
    if not text:
        return ""
    value, kind, cut = text["text"], text["kind"], text["cut"]
    if kind == "int":
        return str(value)
    if len(value) > _LONGEST_TEXT:
        value, cut = value[:_LONGEST_TEXT], True
    shown = ("b" if kind == "bytes" else "") + repr(value)
    return shown + ("…" if cut else "")

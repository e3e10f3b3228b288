"""What a picture of objects shows: boxes, arrows with names, and what was left out.

Made from a heap snapshot breadth first, within limits; nothing of the program runs but the
functions that the caller gave.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field

from heapscope.objects.picture_words import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Literal

    from heapscope import _analysis

    Direction = Literal["references", "referrers", "dominated"]
    Row = dict[str, Any]

MOST_NODES = 200
"""Boxes of one picture; more than that nobody reads, and layouts take minutes."""
_LEAST_SHARE = 0.005
"""Of what the starts hold: what holds less is no box of a dominator tree."""
_LONGEST_TEXT = 40
_MOST_CROSSING = 3  # arrows of one object to boxes that are there already
_MOST_ALIKE = 2  # of the same name, but for its number, from or to the same box
_SHOWN_IF_SMALL = 3  # of what a start holds
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
    beyond : int
        How many neighbours lie deeper than the picture goes.
    """

    key: str
    title: str
    text: str = ""
    size_bytes: int | None = None
    retained_bytes: int | None = None
    kind: Literal["start", "object", "root", "rest"] = "object"
    column: int = 0
    highlight: bool = False
    beyond: int = 0


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
        self._alike: Counter[tuple[str, str]] = Counter()
        self._least = 0.0
        self._with_paths = False  # where arrows have no names
        self._closed = False
        self._globals = 0

    def collect(self, title: str, starts: Sequence[int], direction: Direction) -> PictureGraph:
        """Follow references from the starts, or back to who refers, or down the dominator tree."""
        picture = PictureGraph(title, mirrored=direction == "referrers")
        self._with_paths = direction == "dominated"
        queue: deque[tuple[int, int]] = deque()
        for start in dict.fromkeys(starts):
            picture.nodes[str(start)] = self._node(self._row(start), "start", 0)
            queue.append((start, 0))
        if direction == "dominated":
            held = sum(node.retained_bytes or 0 for node in picture.nodes.values())
            self._least = _LEAST_SHARE * held
        full = False
        while queue:
            parent, depth = queue.popleft()
            rows, total = self._neighbours(parent, direction)
            known = [row for row in rows if str(row["id"]) in picture.nodes]
            self._cross(picture, parent, known)
            new = [row for row in rows if str(row["id"]) not in picture.nodes]
            rest = total - len(rows)
            if depth == self._max_depth:
                self._unfollowed += len(new) + rest
                picture.nodes[str(parent)].beyond = len(new) + rest
                continue
            shown: set[int] = set()
            for row in new:
                key = str(row["id"])
                if key in picture.nodes:
                    self._connect(picture, parent, row, tree=False)
                    continue
                few = depth == 0 and len(shown) < _SHOWN_IF_SMALL
                small = row["retained_bytes"] < self._least and not few
                if small or len(shown) >= self._too_many or len(picture.nodes) >= MOST_NODES:
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

    def _cross(self, picture: PictureGraph, parent: int, rows: Sequence[Row]) -> None:
        """Draw some arrows to boxes that are there already: many alike would hide the rest."""
        drawn = 0
        for row in rows:
            name = re.sub(r"\d+", "*", row.get("name") or "")
            alike = [(name, str(parent)), (name, str(row["id"]))]
            if drawn == _MOST_CROSSING or any(self._alike[each] == _MOST_ALIKE for each in alike):
                self._crossing += 1
                continue
            self._alike.update(alike)
            drawn += 1
            self._connect(picture, parent, row, tree=False)

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
                    if not any(
                        (each.source, each.target, each.name) == (edge.source, key, name)
                        for each in picture.edges
                    ):
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
            if found["total"] > enough:
                found = self._graph.heaviest_references(each, enough)
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
        text = _short(row.get("text") or self._graph.object(row["id"]).get("text"))
        if not text and self._with_paths:
            text = cut(self._graph.path_text(row["id"]))
        node = Node(
            str(row["id"]),
            row["type"],
            text,
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
                + (f", none below {_LEAST_SHARE:.1%} of the whole" if self._least else "")
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

"""Where the bytes of an object are: the tree of what it holds, and what the bytes are spent on."""

from __future__ import annotations

from heapscope import _tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["SizeExplanation", "SizeNode", "explain_size"]

_PARTS = (
    ("payload", "data: digits, characters, elements"),
    ("pointers", "references to objects"),
    ("headers", "heads of objects: count, type, length"),
    ("collector", "heads for the garbage collector"),
    ("index", "hashes and tables of dicts and sets"),
    ("spare", "allocated ahead or left unused"),
    ("other", "inside types that are not known"),
)
_NAME_WIDTH = 48


class SizeNode:
    """An object of the tree.

    Attributes
    ----------
    name : str
        What its parent calls it: ``.attribute``, ``[3]``, ``['key']``, ``<key 'key'>``; empty for
        the object that was asked for.
    type : str
        The type's name, with its module unless that is builtins.
    preview : str
        The beginning of a text, or a number; else empty.
    bytes : int
        Its own.
    total_bytes : int
        Its own and those of the objects below it.
    objects : int
        How many those are, itself included.
    children : list of SizeNode
        The heaviest first.
    hidden_children, hidden_objects, hidden_bytes : int
        What is below it and not in `children`: ``bytes``, the totals of the children and
        `hidden_bytes` sum to `total_bytes`.
    """

    __slots__ = (
        "bytes",
        "children",
        "hidden_bytes",
        "hidden_children",
        "hidden_objects",
        "name",
        "objects",
        "preview",
        "total_bytes",
        "type",
    )

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.name: str = row[0]
        self.type: str = row[1]
        self.preview: str = row[2]
        self.bytes: int = row[3]
        self.total_bytes: int = row[4]
        self.objects: int = row[5]
        self.children: list[SizeNode] = [SizeNode(child) for child in row[6]]
        self.hidden_children: int = row[7]
        self.hidden_objects: int = row[8]
        self.hidden_bytes: int = row[9]

    def __repr__(self) -> str:
        return f"<SizeNode {self.name or self.type}: {self.total_bytes:,} bytes>"

    def add_buffers(self, size: int) -> None:
        """Count the buffers of Arrow's objects below it, which belong to none of Python's."""
        if size:
            row: tuple[Any, ...] = ("<Arrow's buffers>", "memory", "", size, size, 0, [], 0, 0, 0)
            self.children.append(SizeNode(row))
            self.total_bytes += size

    def walk(self) -> Iterator[SizeNode]:
        """Itself and all nodes below it, parents first."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


class SizeExplanation:
    """What `explain_size` returns; ``print`` it.

    Attributes
    ----------
    total_bytes : int
        The deep size.
    objects : int
        How many objects that is.
    roots : list of SizeNode
        One for each object that was asked for.
    parts : dict of str to int
        What the bytes are spent on; they sum to `total_bytes`. ``payload`` is data, ``pointers``
        references, ``headers`` the heads of objects, ``collector`` those of the garbage
        collector, ``index`` tables of dicts and sets, ``spare`` what is allocated and not used,
        ``other`` what lies in types whose insides are not known.
    """

    def __init__(self, roots: list[SizeNode], parts: dict[str, int]) -> None:
        self.roots = roots
        self.parts = parts
        self.total_bytes = sum(root.total_bytes for root in roots)
        self.objects = sum(root.objects for root in roots)

    def __repr__(self) -> str:
        return f"<SizeExplanation of {self.total_bytes:,} bytes in {self.objects:,} objects>"

    def __str__(self) -> str:
        return self.format()

    def format(self) -> str:
        """The tree and the parts as text of at most 80 columns where names allow."""
        lines = [f"{'total bytes':>15} {'own bytes':>13} {'objects':>11}  object"]
        for root in self.roots:
            lines += _tree_lines(root, 0)
        lines += ["", f"{'bytes':>15} {'%':>5}  spent on"]
        total = self.total_bytes or 1
        for part, meaning in _PARTS:
            size = self.parts[part]
            if size:
                lines.append(f"{size:>15,} {100 * size / total:>5.1f}  {part}: {meaning}")
        lines.append(f"{self.total_bytes:>15,} {100:>5.1f}  in {self.objects:,} objects")
        return "\n".join(lines)


def explain_size(*objs: object, detail: int = 1, limit: int = 10) -> SizeExplanation:
    """Where the bytes of objects are.

    Parameters
    ----------
    *objs : object
        As for `heapscope.deep_sizeof`, whose bytes these are.
    detail : int
        How many levels below the objects are told apart.
    limit : int
        How many children of an object are shown, the heaviest; the rest is summed.

    Returns
    -------
    SizeExplanation
        ``print`` it, or use its attributes. It holds none of the objects.

    Notes
    -----
    An object that several hold stands under the one that is nearest to `objs`, and counts once.
    Of data frames the children are the columns, by name: own bytes are those of arrays (a column
    has its share of a block that holds several), the rest is texts and other objects. Memory that
    columns share counts with the first. Of other objects the buffers of Arrow are one child.

    Examples
    --------
    >>> print(heapscope.explain_size([1.5, 2.5], detail=1))  # doctest: +SKIP
    """
    from heapscope.objects import arrow_buffers, data_frames

    rows, parts = _tracker.size_tree(objs, detail, limit)
    arrow = arrow_buffers.arrow_types()
    if detail > 0 and data_frames.are_frames(objs):
        found = data_frames.frame_rows(objs, arrow, limit)
        if found is not None:
            rows, of_arrow = found
            parts["payload"] += of_arrow
            arrow = ()
    nodes = [SizeNode(row) for row in rows]
    if arrow and nodes:
        _, _, _, held, counted = _tracker.deep_figures(objs, arrow)
        of_arrow = arrow_buffers.buffer_bytes(held, counted)
        nodes[0].add_buffers(of_arrow)
        parts["payload"] += of_arrow
    return SizeExplanation(nodes, parts)


def _tree_lines(root: SizeNode, depth: int) -> list[str]:
    lines = []
    waiting: list[tuple[SizeNode | str, int]] = [(root, depth)]
    while waiting:
        node, level = waiting.pop()
        if isinstance(node, str):
            lines.append(node)
            continue
        kind = f"{node.type} {node.preview}".rstrip()
        shown = f"{node.name}: {kind}" if node.name else kind
        lines.append(_line(node.total_bytes, node.bytes, node.objects, level, shown))
        if node.hidden_objects:
            label = f"({node.hidden_children:,} more)" if node.children else "(what it holds)"
            if node.children and not node.hidden_children:
                label = "(the rest)"
            rest = _line(node.hidden_bytes, None, node.hidden_objects, level + 1, label)
            waiting.append((rest, level))
        waiting.extend((child, level + 1) for child in reversed(node.children))
    return lines


def _line(total: int, own: int | None, objects: int, level: int, name: str) -> str:
    printable = "".join(letter if letter.isprintable() else "?" for letter in name)
    if len(printable) > _NAME_WIDTH:
        printable = printable[: _NAME_WIDTH - 1] + "…"
    own_text = "" if own is None else f"{own:,}"
    return f"{total:>15,} {own_text:>13} {objects:>11,}  {'  ' * level}{printable}"

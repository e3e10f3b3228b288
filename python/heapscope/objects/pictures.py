"""Pictures of objects: who refers to whom, who is held by whom, as SVG, PNG or DOT.

With Graphviz installed its ``dot`` draws; without it SVG is drawn here, and PNG cannot be. The
functions take a snapshot of the process first, so nothing of the program runs, and untracked
objects are in the picture too.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from heapscope.errors import HeapscopeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from heapscope import _analysis
    from heapscope.objects.picture_graph import Direction, PictureGraph

    Predicate = Callable[[Any], object]

__all__ = ["Picture", "show_backrefs", "show_chain", "show_dominators", "show_refs"]

_KINDS = (".svg", ".png", ".dot", ".gv")
_HERE = str(Path(__file__).resolve().parents[1]) + os.sep


class Picture:
    """A picture of objects. A notebook shows it; `save` writes it.

    Attributes
    ----------
    title : str
        What it shows.
    left_out : list of str
        What the limits kept out, a sentence each.
    dot : str
        The picture in Graphviz's language.
    """

    def __init__(self, graph: PictureGraph) -> None:
        self._graph = graph
        self.title = graph.title
        self.left_out = list(graph.left_out)

    @property
    def dot(self) -> str:
        """The picture in Graphviz's language."""
        from heapscope.objects.picture_dot import to_dot

        return to_dot(self._graph)

    @property
    def svg(self) -> str:
        """The picture as SVG: drawn by Graphviz where it is installed, else here."""
        from heapscope.objects.picture_dot import find_dot, run_dot
        from heapscope.objects.picture_layout import to_svg

        dot = find_dot()
        return to_svg(self._graph) if dot is None else run_dot(dot, "svg", self.dot).decode()

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> str:
        """Write the picture, in the format that the name ends in: .svg, .png, .dot or .gv.

        Returns
        -------
        str
            The file's name.

        Raises
        ------
        heapscope.HeapscopeError
            Another ending, PNG without Graphviz, or the file is there and `force` is false.
        """
        from heapscope.objects.picture_dot import find_dot, run_dot
        from heapscope.report.files import check_free, write_new

        name = os.fspath(path)
        kind = os.path.splitext(name)[1].lower()  # noqa: PTH122 - bytes of any name
        if kind not in _KINDS:
            raise HeapscopeError(f"{name!r}: a picture is .svg, .png, .dot or .gv")
        check_free(name, force=force)
        if kind == ".png":
            dot = find_dot()
            if dot is None:
                raise HeapscopeError("a PNG needs Graphviz's dot; name an .svg file without it")
            data = run_dot(dot, "png", self.dot)
        else:
            data = (self.svg if kind == ".svg" else self.dot).encode()
        write_new(name, data, force=force)
        return name

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        shown = len(self._graph.nodes)
        left = "".join(f"; {each}" for each in self.left_out)
        return f"<{self.title}: {shown} boxes{left}; .save('heap.svg') writes it>"


class _Show(Protocol):
    __name__: str
    __qualname__: str

    def __call__(
        self,
        *objects: object,
        max_depth: int = 3,
        too_many: int = 10,
        filter: Predicate | None = None,  # noqa: A002 - objgraph's name
        highlight: Predicate | None = None,
        extra_ignore: Iterable[int] = (),
        filename: str | os.PathLike[str] | None = None,
        force: bool = False,
    ) -> Picture: ...


_PARAMETERS = """

    Parameters
    ----------
    *objects : object
        Where to begin; a list alone is taken for the objects in it, as objgraph does. Also a set of
        objects of a snapshot (`heapscope.heap()`), whose snapshot is then drawn.
    max_depth : int
        Steps from the start.
    too_many : int
        Neighbours of one object that are shown, those that retain most; a box says how many more.
    filter, highlight : callable, optional
        Of an object: whether to show it, whether it stands out. An object that is gone or that the
        collector does not track on the way is shown, and does not stand out.
    extra_ignore : iterable of int
        `id()` of objects that are not shown.
    filename : str or os.PathLike, optional
        Where to write it: .svg, .png, .dot or .gv.
    force : bool
        Replace a file that is there.

    Returns
    -------
    Picture
        Notebooks show it inline.

    Raises
    ------
    heapscope.HeapscopeError
        An object is not in the snapshot, or the picture cannot be written.
    """


def _shows(direction: Direction, title: str) -> Callable[[Callable[[], None]], _Show]:
    """Make one of the pictures that follow a direction; what is decorated says what it is."""

    def named(described: Callable[[], None]) -> _Show:
        def show(
            *objects: object,
            max_depth: int = 3,
            too_many: int = 10,
            filter: Predicate | None = None,  # noqa: A002 - objgraph's name
            highlight: Predicate | None = None,
            extra_ignore: Iterable[int] = (),
            filename: str | os.PathLike[str] | None = None,
            force: bool = False,
        ) -> Picture:
            limits = (max_depth, too_many, filter, highlight, extra_ignore)
            return _follow(direction, title, objects, limits, filename, force)

        show.__name__ = show.__qualname__ = described.__name__
        show.__doc__ = (described.__doc__ or "").rstrip() + _PARAMETERS
        return show

    return named


@_shows("references", "References of")
def show_refs() -> None:
    """Draw what objects refer to."""


@_shows("referrers", "Referrers of")
def show_backrefs() -> None:
    """Draw what refers to objects, and to that in turn; the objects stand at the right."""


@_shows("dominated", "Held alone by")
def show_dominators() -> None:
    """Draw what objects hold alone: all of a box's boxes would be freed with it.

    Without objects, the biggest of the heap are drawn.
    """


def show_chain(
    *chains: object,
    filename: str | os.PathLike[str] | None = None,
    force: bool = False,
) -> Picture:
    """Draw chains of references.

    Parameters
    ----------
    *chains : object or list of objects
        A list is a chain of objects, each of which refers to the next, as objgraph's
        `find_backref_chain` gives it. Of any other object the chain is the shortest path from a
        root. `heapscope.show_chain([[a, b]])`, a list of lists, is as objgraph has it, too.
    filename, force
        As of `show_refs`.

    Raises
    ------
    heapscope.HeapscopeError
        One object of a chain does not refer to the next, nothing holds an object, or the picture
        cannot be written.
    """
    graph, ignored = _snapshot(chains)
    wanted: Sequence[object] = chains
    if len(chains) == 1 and isinstance(chains[0], (list, tuple)):
        first: Sequence[object] = chains[0]
        if first and all(isinstance(each, (list, tuple)) for each in first):
            wanted = first
    drawn: list[list[tuple[int, str]]] = []
    for chain in wanted:
        if isinstance(chain, (list, tuple)):
            drawn.append(_named_chain(graph, [_found(graph, each) for each in chain]))
        else:
            for each in _ids(graph, [chain]):
                drawn.append(_path(graph, each))
    collector, _ = _collector(graph, (0, 0, None, None, ()), ignored)
    return _finished(collector.chain("Chains of references", drawn), filename, force)


def _follow(
    direction: Direction,
    title: str,
    objects: tuple[object, ...],
    limits: tuple[Any, ...],
    filename: str | os.PathLike[str] | None,
    force: bool,
) -> Picture:
    graph, ignored = _snapshot(objects)
    wanted: Sequence[object] = objects
    if len(objects) == 1 and type(objects[0]) in (list, tuple):
        wanted = objects[0]  # type: ignore[assignment]
        ignored |= {id(wanted)}
    starts = _ids(graph, wanted)
    if not starts and direction == "dominated" and not objects:
        starts = [row["id"] for row in graph.biggest(limits[1])]
        title = "What the biggest objects hold alone"
    elif not starts:
        raise HeapscopeError("there are no objects to draw; name at least one")
    else:
        names = sorted({graph.object(each)["type"] for each in starts})
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        title = (
            f"{title} {shown}" if len(starts) == 1 else f"{title} {len(starts)} objects: {shown}"
        )
    collector, living = _collector(graph, limits, ignored)
    try:
        picture = collector.collect(title, starts, direction)
    finally:
        living.forget()
    return _finished(picture, filename, force)


def _finished(graph: PictureGraph, filename: str | os.PathLike[str] | None, force: bool) -> Picture:
    picture = Picture(graph)
    if filename is not None:
        picture.save(filename, force=force)
    return picture


def _snapshot(objects: tuple[object, ...]) -> tuple[_analysis.HeapGraph, set[int]]:
    """Return the snapshot that objects are of, or a new one, and addresses of what is ours."""
    from heapscope import _tracker

    for each in objects:
        if _is_set(each):
            return each._graph, set()  # type: ignore[attr-defined]
    walk = _tracker.heap_walk()
    from heapscope import _analysis

    return _analysis.HeapGraph.from_walk(walk.sections()), {id(objects)}


def _ids(graph: _analysis.HeapGraph, objects: Sequence[object]) -> list[int]:
    ids: list[int] = []
    for each in objects:
        if _is_set(each):
            ids += each._members  # type: ignore[attr-defined]
        else:
            ids.append(_found(graph, each))
    return ids


def _is_set(each: object) -> bool:
    """Whether it is a set of objects of a snapshot; asks nothing of the object itself."""
    return any(kind.__module__ == "heapscope.objects.object_set" for kind in type(each).__mro__)


def _found(graph: _analysis.HeapGraph, wanted: object) -> int:
    (found,) = graph.at_addresses([id(wanted)])
    if not found:
        raise HeapscopeError(
            f"an object of type {type(wanted).__qualname__} is not in the snapshot"
        )
    return found


def _named_chain(graph: _analysis.HeapGraph, ids: Sequence[int]) -> list[tuple[int, str]]:
    chain: list[tuple[int, str]] = []
    for position, each in enumerate(ids):
        name = ""
        if position:
            paths = graph.paths_between(ids[position - 1], each, 1)
            if not paths or len(paths[0]["steps"]) != 2:
                before = graph.object(ids[position - 1])["type"]
                raise HeapscopeError(
                    f"the {before} does not refer to the {graph.object(each)['type']} after it"
                )
            name = paths[0]["steps"][1]["name"] or ""
        chain.append((each, name))
    return chain


def _path(graph: _analysis.HeapGraph, wanted: int) -> list[tuple[int, str]]:
    paths = graph.paths(wanted, 1)
    if not paths:
        raise HeapscopeError(f"nothing holds the {graph.object(wanted)['type']}: it is garbage")
    return [(step["id"], step["name"] or "") for step in paths[0]["steps"]]


def _collector(
    graph: _analysis.HeapGraph, limits: tuple[Any, ...], ignored: set[int]
) -> tuple[Any, _Living]:
    from heapscope.objects.picture_graph import Collector

    max_depth, too_many, keep, highlight, extra = limits
    ignore = set(graph.at_addresses([*ignored, *extra])) - {0}
    ignore |= {root["id"] for root in graph.roots() if (root["file"] or "").startswith(_HERE)}
    live = _Living(graph)
    collector = Collector(
        graph,
        max_depth=max_depth,
        too_many=too_many,
        keep=None if keep is None else lambda row: live.ask(keep, row, otherwise=True),
        highlight=None
        if highlight is None
        else lambda row: live.ask(highlight, row, otherwise=False),
        ignore=ignore,
    )
    return collector, live


class _Living:
    """Finds the objects of a snapshot of this process that live still, without touching memory.

    What the collector tracks, and what that refers to, is found by address; nothing else is.
    """

    def __init__(self, graph: _analysis.HeapGraph) -> None:
        self._graph = graph
        self._found: dict[int, object] | None = None

    def ask(self, question: Predicate, row: dict[str, Any], *, otherwise: bool) -> bool:
        told = self._graph.object(row["id"])
        if self._graph.info.get("pid") != str(os.getpid()) or told["address"] is None:
            return otherwise
        if self._found is None:
            tracked = gc.get_objects()
            self._found = {id(each): each for each in gc.get_referents(*tracked)}
            self._found.update((id(each), each) for each in tracked)
        missing = self._found
        living = self._found.get(told["address"], missing)
        if living is missing or type(living).__name__ != told["type"].rsplit(".", 1)[-1]:
            return otherwise
        return bool(question(living))

    def forget(self) -> None:
        """Let go of the objects."""
        self._found = None

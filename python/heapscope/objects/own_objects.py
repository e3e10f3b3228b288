"""Which objects of a snapshot are heapscope's own: the observer is not part of the picture."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapscope import _analysis

_PACKAGE = "heapscope"
_OURS = ("heapscope.", "nanobind.")
_INSTALLED = "/site-packages/heapscope/"
_ALL = 1 << 31

__all__ = ["find_own"]


def find_own(graph: _analysis.HeapGraph) -> _analysis.HeapSet:
    """Return what only heapscope's modules and its objects hold, these included.

    That is what would be freed if they were: what the program also holds is the program's.
    """
    ours = graph.set_of([*_modules(graph), *_frames(graph)])
    for row in graph.partition(graph.everything() | graph.unreachable(), "type"):
        if row["kind"].startswith(_OURS):
            ours = ours | row["set"]
    return graph.dominated_with_c(ours) if ours else ours


def _frames(graph: _analysis.HeapGraph) -> Iterator[int]:
    """Yield the ids of the frames of heapscope's functions that were running."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    for root in graph.roots():
        file = root["file"]
        if root["kind"] == "frame" and file and (file.startswith(here + "/") or _INSTALLED in file):
            yield root["id"]


def _modules(graph: _analysis.HeapGraph) -> Iterator[int]:
    """Yield the ids of heapscope's modules in sys.modules."""
    for root in graph.roots():
        if root["kind"] != "modules":
            continue
        for modules in graph.references(root["id"], 1)["rows"]:
            for row in graph.references(modules["id"], _ALL)["rows"]:
                key = row["name"].strip("[]'")
                if row["type"] == "module" and key.split(".")[0] == _PACKAGE:
                    yield row["id"]

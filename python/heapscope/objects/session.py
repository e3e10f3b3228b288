"""``heapscope.hpy()``: what people who know heapy type."""

from __future__ import annotations

from heapscope.objects import taking

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap

__all__ = ["Session", "hpy"]


class Session:
    """Heapy's session: snapshots, relative to an earlier one where `setrelheap` said so."""

    def __init__(self) -> None:
        self._reference: Heap | None = None

    def heap(self) -> ObjectSet:
        """Take a snapshot; after `setrelheap`, what it has that was not there then."""
        taken = taking.heap()
        return taken if self._reference is None else taken.relative_to(self._reference)

    def heapu(self) -> ObjectSet:
        """Take a snapshot, and return the garbage in it: what nothing reaches."""
        return taking.heap().unreachable

    def iso(self, *objects: object) -> ObjectSet:
        """Return the set of these objects, in a snapshot taken now."""
        given = list(objects)
        del objects
        return taking.iso(given)

    def setrelheap(self, reference: Heap | None = None) -> None:
        """Make `heap` relative to now, or to a snapshot."""
        self._reference = taking.heap() if reference is None else reference

    setref = setrelheap

    def load(self, path: str | os.PathLike[str]) -> Heap:
        """Read a snapshot that was saved."""
        from heapscope.objects.snapshot import Heap

        return Heap.load(path)

    def __repr__(self) -> str:
        return "<heapscope: .heap() .heapu() .iso(*objs) .setrelheap() .load(path)>"


def hpy() -> Session:
    """Return a session with heapy's names: ``h = heapscope.hpy(); h.heap()``."""
    return Session()

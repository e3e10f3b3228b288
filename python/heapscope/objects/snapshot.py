"""A heap snapshot: the objects of a process at one instant, and what is asked of all of them."""

from __future__ import annotations

import os

from heapscope.objects.finding import Finding
from heapscope.objects.object_set import GROUPS, ObjectSet
from heapscope.objects.partition_table import PartitionTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from heapscope import _analysis
    from heapscope.objects.comparison import HeapComparison
    from heapscope.objects.partition_table import IdentityTable

# Where the package lies: running functions of these files are the observer's.
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

__all__ = ["Heap"]


class Heap(ObjectSet):
    """The objects that are reached in a snapshot, and the snapshot itself.

    As a set it holds every object that something holds. What heapscope itself needs is not among
    them (`own`), nor is garbage that the collector has yet to find (`unreachable`).

    Attributes
    ----------
    graph : _analysis.HeapGraph
        The object graph.
    info : dict of str to str
        Where and when it was taken: pid, python, command, taken_at, …
    """

    __slots__ = ("_live", "_looked", "_observer", "_program", "graph")

    def __init__(self, graph: _analysis.HeapGraph, *, live: bool = False) -> None:
        self.graph = graph
        self._live = os.getpid() if live else None
        self._program: _analysis.HeapSet | None = None
        self._observer: _analysis.HeapSet | None = None
        self._looked: PartitionTable | None = None
        super().__init__(None, None)

    @property
    def heap(self) -> Heap:
        """The snapshot itself."""
        return self

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Heap:
        """Read a snapshot that `save`, ``heapscope heap`` or a trigger wrote.

        Raises
        ------
        SnapshotError
            It cannot be read, is no heap snapshot, or is damaged.
        """
        from heapscope import _analysis

        return cls(_analysis.HeapGraph(os.fspath(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the snapshot, usually as ``NAME.hsnap``, compressed; whole or not at all.

        Raises
        ------
        OSError
            It cannot be written.
        """
        self.graph.save(os.fspath(path))

    @property
    def info(self) -> dict[str, str]:
        """Where and when the snapshot was taken."""
        return self.graph.info

    # What it holds is found when it is asked for: printing it needs less.

    def _held(self) -> _analysis.HeapSet:
        if self._program is None:
            self._program, self._observer = self.graph.divide_from_observer(_HERE)
        return self._program

    @property
    def _own(self) -> _analysis.HeapSet:
        self._held()
        assert self._observer is not None
        return self._observer

    def _table(self) -> PartitionTable | IdentityTable:
        if self._looked is None:
            rows = self.graph.first_look(_HERE) if self._program is None else None
            if rows is None:
                return super()._table()
            self._looked = PartitionTable(rows, GROUPS["class"])
        return self._looked

    # Parts of the heap.

    @property
    def own(self) -> ObjectSet:
        """What heapscope itself holds: its modules, and the answers it gave."""
        return ObjectSet(self, self._own)

    @property
    def unreachable(self) -> ObjectSet:
        """Garbage: objects in cycles, and what they hold, that the collector has yet to find."""
        return ObjectSet(self, self.graph.unreachable() - self._own)

    @property
    def held_without_frames(self) -> ObjectSet:
        """What would still be held if every running function had returned."""
        return ObjectSet(self, self.graph.held_without_frames())

    def summary(self) -> list[tuple[str, int, int]]:
        """Return (kind, objects, bytes), functions, modules and frames each by its own name."""
        return self.graph.summary(self._members)

    def iso(self, *objects: object) -> ObjectSet:
        """The set of the given objects.

        Raises
        ------
        ValueError
            One was not there when the snapshot was taken, or the snapshot is of another process.
        """
        if self._live != os.getpid():
            raise ValueError("objects can be found in a snapshot of this process only")
        return self.at([id(obj) for obj in objects], [type(obj).__name__ for obj in objects])

    def at(self, addresses: list[int], names: list[str]) -> ObjectSet:
        """The set of the objects at some addresses; `names` are their types', for the error.

        Raises
        ------
        ValueError
            There was none.
        """
        found = self.graph.at_addresses(addresses)
        for member, address, name in zip(found, addresses, names, strict=True):
            if not member:
                raise ValueError(
                    f"a {name} object at {address:#x} is not in this snapshot: it was made later, "
                    "or nothing but this call holds it"
                )
        return ObjectSet(self, self.graph.set_of(found))

    def instances(self, kind: type) -> ObjectSet:
        """The objects of exactly one type."""
        if self._live == os.getpid():
            return ObjectSet(self, self.graph.instances_of(id(kind)))
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        try:
            return self.by("type").of_kind(name)
        except KeyError:
            return ObjectSet(self, self.graph.set_of(()))

    def relative_to(self, previous: Heap) -> ObjectSet:
        """What is here and was not in an earlier snapshot of the same process.

        Raises
        ------
        ValueError
            The snapshots are of two processes: `compare` tells what changed by type.

        Notes
        -----
        While tracking is on, an object at the address of one that died meanwhile is told from it
        by its birth. Without, it is another if its type or content is, or if all strings that it
        refers to are, or, without any, all that it refers to: one just like the one before passes
        for it, and `graph.compare` says for how many that cannot be ruled out (``unproven``).
        """
        return ObjectSet(self, self._members & self.graph.new_since(previous.graph))

    def compare(self, earlier: Heap, by: str = "type") -> HeapComparison:
        """What changed since an earlier snapshot, of this process or of another.

        Parameters
        ----------
        earlier : Heap
            What it is compared with.
        by : str
            What a row is: one of `GROUPS`.

        Returns
        -------
        HeapComparison
            Counts and bytes by kind; of one process also what is new and what is gone.
        """
        from heapscope.objects.comparison import HeapComparison

        return HeapComparison(earlier, self, by)

    # The objects themselves.

    def ids_of(self, objects: Iterable[object]) -> list[int]:
        """The ids of objects that live; 0 of those that are not in the snapshot."""
        return self.graph.at_addresses([id(obj) for obj in objects])

    def live(self, member: int) -> Any:
        """The object with an id of the snapshot, if it lives still.

        Raises
        ------
        LookupError
            It does not, or the snapshot is of another process.
        """
        from heapscope import _tracker

        if self._live != os.getpid():
            raise LookupError("the snapshot is of another process")
        told = self.graph.object(member)
        obj = _tracker.address_is(told["address"], self.graph.type_address(member))
        if obj is None:
            raise LookupError(f"the {told['type']} at {told['address']:#x} does not live any more")
        return obj

    # What holds what.

    def roots(self) -> list[dict[str, Any]]:
        """Where reachability begins: modules, frames of threads, tasks, the interpreter.

        Returns
        -------
        list of dict
            kind, label, thread, file, line, references, id; reached_objects and reached_bytes: of
            what has its best path from there, each object at one root; retained_bytes: what it
            alone holds. The most reached first.
        """
        rows = self.graph.roots()
        for row in rows:
            row["retained_bytes"] = self.graph.object(row["id"])["retained_bytes"]
        rows.sort(key=lambda row: (-row["reached_bytes"], row["id"]))
        return rows

    @property
    def coverage(self) -> dict[str, Any]:
        """How much of the heap is held by roots that have a name."""
        return self.graph.coverage()

    @property
    def frozen(self) -> ObjectSet:
        """What `gc.freeze` holds: objects the collector does not look at any more."""
        return ObjectSet(self, self.graph.frozen())

    def retained_by_type(self) -> list[dict[str, Any]]:
        """Types with count, shallow_bytes and retained_bytes, the largest retained size first."""
        return self.graph.retained_by_type()

    def cycles_by_type(self, *, code: bool = False) -> list[dict[str, Any]]:
        """Reference cycles by the types along them, garbage included, most bytes first.

        Parameters
        ----------
        code : bool
            Those of program code instead, which tie most of a program together: classes, functions
            and modules. Without, no way through a class, a module or its namespace counts.

        Returns
        -------
        list of dict
            types, count (of cycles), garbage (how many of them wait for the collector), objects,
            bytes, finalizers (how many objects have one), finalizer_types, and example: one of
            them, as in `cycles`.
        """
        return self.graph.cycles_by_type(self._with_garbage(), code)

    def code_in_cycles(self) -> dict[str, int]:
        """What is in cycles of program code only: nothing to worry about, unless it is garbage.

        Returns
        -------
        dict
            classes (each is in a cycle with its own ``__mro__``), class_bytes, garbage_classes;
            others (functions, namespaces and what they name), other_bytes.
        """
        return self.graph.code_in_cycles(self._with_garbage())

    def _with_garbage(self) -> _analysis.HeapSet:
        return self._members | (self.graph.unreachable() - self._own)

    def suspects(self, earlier: Iterable[Heap] = ()) -> list[Finding]:
        """What looks like a leak, largest first; nothing in a healthy program.

        Parameters
        ----------
        earlier : iterable of Heap
            Earlier snapshots of the process, the oldest first: containers that grow show then too.

        Returns
        -------
        list of Finding
            Dicts with kind, bytes (what mending it would free), count, what (one line), path,
            object and objects (ids); each prints as a line.
        """
        return [Finding(row) for row in self.graph.suspects([heap.graph for heap in earlier])]

    def waste(self) -> list[Finding]:
        """What the program could save; rows as of `suspects`."""
        return [Finding(row) for row in self.graph.waste()]

"""Sets of objects of one snapshot: what every question about a heap returns.

A set prints as heapy's table, is divided by kinds, sizes, modules, referrers or allocation sites,
and takes part in ``&``, ``|``, ``-`` and ``^`` with other sets of its snapshot. Sets are immutable,
and keep nothing alive but the snapshot.
"""

from __future__ import annotations

from heapscope.objects.partition_table import IdentityTable, More, PartitionTable, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from heapscope import _analysis
    from heapscope.objects.paths import PathList, Without
    from heapscope.objects.reference_pattern import ReferencePattern
    from heapscope.objects.snapshot import Heap

__all__ = ["GROUPS", "ObjectSet", "Row"]

# How a set can be divided, and what heapy's tables call the kinds.
GROUPS = {
    "class": "Kind (class / dict of class)",
    "type": "Type",
    "module": "Module",
    "size": "Individual Size",
    "referrers": "Referrers by Kind (class / dict of class)",
    "via": "Referred Via:",
    "site": "Producer (line of allocation)",
    "stack": "Stack of the allocation",
    "birth": "Allocated after (since tracking began)",
    "generation": "Generation",
    "held": "Held by",
    "unity": "<unclassified>",
    "id": "Address",
}
_TRACKED = ("site", "stack", "birth")


class Row:
    """One kind of a partition.

    Attributes
    ----------
    index : int
        Its place; the largest kind is 0.
    count, size : int
        Objects, and their own bytes.
    kind : str
        What they have in common.
    set : ObjectSet
        The objects.
    """

    __slots__ = ("count", "index", "kind", "set", "size")

    def __init__(self, index: int, count: int, size: int, kind: str, members: ObjectSet) -> None:
        self.index = index
        self.count = count
        self.size = size
        self.kind = kind
        self.set = members

    def __repr__(self) -> str:
        return f"<{self.count} {self.kind}, {self.size} bytes>"


class ObjectSet:
    """Objects of a heap snapshot, divided in some way.

    Attributes
    ----------
    grouping : str
        How `rows` divides them: one of `GROUPS`.

    Notes
    -----
    ``x[0]`` is the set of the first row, ``x[:3]`` of the first three, ``len(x)`` the number of
    rows; ``x.count`` counts objects. Heapy's names are there too: `sp`, `shpaths`, `rp`, `byclodo`,
    `bytype`, `bymodule`, `bysize`, `byrcs`, `byvia`, `byid`, `byprod`, `byunity`, `size`,
    `domisize`, `dominos`, `imdom`, `theone`, `parts`.
    """

    __slots__ = ("_heap", "_known", "_parts", "grouping")

    # None of a Heap itself, and no rows are kept: no set is in a reference cycle.
    _heap: Heap | None

    def __init__(
        self, heap: Heap | None, members: _analysis.HeapSet | None, grouping: str = "class"
    ) -> None:
        self._heap = heap
        self.grouping = grouping
        self._known = members
        self._parts: list[dict[str, Any]] | None = None

    @property
    def heap(self) -> Heap:
        """The snapshot."""
        assert self._heap is not None
        return self._heap

    # What it is.

    @property
    def _graph(self) -> _analysis.HeapGraph:
        return self.heap.graph

    @property
    def _members(self) -> _analysis.HeapSet:
        return self._known if self._known is not None else self._held()

    def _held(self) -> _analysis.HeapSet:
        """Find the members where they were not given: of the snapshot itself."""
        raise NotImplementedError

    @property
    def members(self) -> _analysis.HeapSet:
        """The ids of the objects in the snapshot, ascending."""
        return self._members

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self._members)

    @property
    def size(self) -> int:
        """Their own bytes."""
        return self._graph.total(self._members)

    @property
    def retained_bytes(self) -> int:
        """What freeing all of them would free, their own bytes included."""
        return self._graph.retained(self._members)

    @property
    def kind(self) -> str:
        """The kind of all, or their kinds."""
        return " | ".join(row.kind for row in self.rows) or "(nothing)"

    @property
    def rows(self) -> list[Row]:
        """The partition, largest kinds first."""
        if self._parts is None:
            self._parts = self._graph.partition(self._members, self.grouping)
        return [
            Row(
                index,
                part["count"],
                part["bytes"],
                part["kind"],
                ObjectSet(self.heap, part["set"], self.grouping),
            )
            for index, part in enumerate(self._parts)
        ]

    @property
    def parts(self) -> list[ObjectSet]:
        """The sets of the rows."""
        return [row.set for row in self.rows]

    @property
    def brief(self) -> str:
        """The set in a few words."""
        if self.count == 1:
            return f"<1 {self.kind}: {self.name_of(next(iter(self._members)))}>"
        return f"<{self.count} {self.kind}>"

    def __repr__(self) -> str:
        return write(self._table())

    @property
    def more(self) -> More:
        """The rows that printing the set leaves out."""
        return More(self._table(), self, 0).more

    @property
    def all(self) -> More:
        """The set with all its rows."""
        return More(self._table(), self, 0, None)

    def _table(self) -> PartitionTable | IdentityTable:
        if self.grouping == "id":
            kinds = self._graph.partition(self._members, "class")
            kind = kinds[0]["kind"] if len(kinds) == 1 else "mixed"
            return IdentityTable(kind, self.count, self.size, "Address", self._by_size)
        shown = [(row.count, row.size, self._shown(row.kind)) for row in self.rows]
        return PartitionTable(shown, GROUPS[self.grouping])

    def _shown(self, kind: str) -> str:
        return f"{kind:>9}" if self.grouping == "size" else kind

    def _by_size(self, first: int, last: int) -> list[tuple[int, str]]:
        found = self._graph.largest(self._members, first, last)
        return [(size, self.name_of(member)) for member, size in found]

    def name_of(self, member: int) -> str:
        """Return what a table calls an object of the snapshot: its address, and its text."""
        told = self._graph.object(member)
        address, text = told["address"], told["text"]
        if text is None:
            return "a root" if address is None else hex(address)
        import reprlib

        shown = text["text"] if text["kind"] == "int" else reprlib.repr(text["text"])
        return f"{address:#x} {'b' if text['kind'] == 'bytes' else ''}{shown}"

    # Its parts.

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return bool(self._members)

    def __iter__(self) -> Iterator[ObjectSet]:
        return iter(self.parts)

    def __getitem__(self, index: int | slice | str) -> ObjectSet:
        if isinstance(index, str):
            return self.of_kind(index)
        if isinstance(index, slice):
            return self._union(row.set._members for row in self.rows[index])
        return self.rows[index].set

    def of_kind(self, kind: str) -> ObjectSet:
        """The objects of a kind, by its name or, of a class, by the last part of it.

        Raises
        ------
        KeyError
            There is no such kind.
        """
        from heapscope.objects.heapy_names import heapy_name

        wanted = heapy_name(kind)
        exact = [row for row in self.rows if row.kind in (kind, wanted)]
        found = exact or [
            row
            for row in self.rows
            if row.kind.rpartition(".")[2] == kind and not row.kind.startswith("dict of ")
        ]
        if not found:
            raise KeyError(kind)
        return self._union(row.set._members for row in found)

    def by(self, grouping: str) -> ObjectSet:
        """The same objects, divided in another way: one of `GROUPS`."""
        if grouping not in GROUPS:
            raise ValueError(f"no such division: {grouping!r}; there are {', '.join(GROUPS)}")
        if grouping in _TRACKED and not self._graph.tracked:
            raise ValueError(
                "allocation sites are known while tracking is on: heapscope.start() or "
                "`heapscope run` before the snapshot"
            )
        return ObjectSet(self.heap, self._members, grouping)

    @property
    def by_type(self) -> ObjectSet:
        """Divided by type."""
        return self.by("type")

    @property
    def by_class(self) -> ObjectSet:
        """Divided by class, dicts by the class of their owner."""
        return self.by("class")

    @property
    def by_module(self) -> ObjectSet:
        """Divided by the module that defines them or their class."""
        return self.by("module")

    @property
    def by_size(self) -> ObjectSet:
        """Divided by their own bytes."""
        return self.by("size")

    @property
    def by_referrer_kind(self) -> ObjectSet:
        """Divided by the kinds of objects that refer to them."""
        return self.by("referrers")

    @property
    def by_via(self) -> ObjectSet:
        """Divided by what their referrers call them."""
        return self.by("via")

    @property
    def by_allocation_site(self) -> ObjectSet:
        """Divided by the line that allocated them; only while tracking is on."""
        return self.by("site")

    @property
    def by_id(self) -> ObjectSet:
        """One by one, the largest first."""
        return self.by("id")

    @property
    def by_unity(self) -> ObjectSet:
        """All in one row."""
        return self.by("unity")

    byclodo = by_class
    bytype = by_type
    bymodule = by_module
    bysize = by_size
    byrcs = by_referrer_kind
    byvia = by_via
    byprod = by_allocation_site
    byid = by_id
    byunity = by_unity

    # Algebra.

    def __and__(self, other: object) -> ObjectSet:
        result: ObjectSet = self._with(other, "&")
        return result

    def __or__(self, other: object) -> ObjectSet:
        result: ObjectSet = self._with(other, "|")
        return result

    def __sub__(self, other: object) -> ObjectSet:
        result: ObjectSet = self._with(other, "-")
        return result

    def __xor__(self, other: object) -> ObjectSet:
        result: ObjectSet = self._with(other, "^")
        return result

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ObjectSet):
            return NotImplemented
        return self.heap is other.heap and self._members == other._members

    def __hash__(self) -> int:
        return hash((id(self._graph), len(self._members)))

    def __le__(self, other: ObjectSet) -> bool:
        return not self - other

    def __ge__(self, other: ObjectSet) -> bool:
        return not other - self

    def __lt__(self, other: ObjectSet) -> bool:
        return self <= other and self.count < other.count

    def __gt__(self, other: ObjectSet) -> bool:
        return self >= other and self.count > other.count

    def __contains__(self, obj: object) -> bool:
        """Whether an object that lives is one of them."""
        return any(member in self._members for member in self.heap.ids_of((obj,)) if member)

    def _with(self, other: object, operation: str) -> Any:
        theirs: _analysis.HeapSet
        if isinstance(other, ObjectSet):
            if other.heap is not self.heap:
                raise ValueError(
                    "the sets are of different snapshots: relative_to() compares snapshots"
                )
            theirs = other._members
        elif isinstance(other, type):
            theirs = self.heap.instances(other)._members
        else:
            return NotImplemented
        mine = self._members
        if operation == "&":
            result = mine & theirs
        elif operation == "|":
            result = mine | theirs
        elif operation == "-":
            result = mine - theirs
        else:
            result = mine ^ theirs
        return ObjectSet(self.heap, result, self.grouping)

    def _union(self, sets: Iterable[_analysis.HeapSet]) -> ObjectSet:
        result = self._graph.set_of(())
        for each in sets:
            result = result | each
        return ObjectSet(self.heap, result, self.grouping)

    # Its place in the heap.

    @property
    def the_one(self) -> Any:
        """The object itself, of a set of one.

        Raises
        ------
        ValueError
            The set does not hold exactly one object.
        LookupError
            The object does not live any more, or the snapshot is of another process.
        """
        return self.heap.live(self.only())

    def only(self) -> int:
        """The id of the one object of the set; ValueError when it does not hold exactly one."""
        if self.count != 1:
            raise ValueError(f"the set holds {self.count} objects, not one")
        return self._members[0]

    @property
    def referrers(self) -> ObjectSet:
        """What refers to them, the roots left out."""
        return self._like(self._graph.referrers_of(self._members))

    @property
    def referents(self) -> ObjectSet:
        """What they refer to."""
        return self._like(self._graph.referents_of(self._members))

    @property
    def dominated(self) -> ObjectSet:
        """What freeing all of them would free, themselves included."""
        return self._like(self._graph.dominated(self._members))

    @property
    def immediate_dominators(self) -> ObjectSet:
        """The nearest objects without which they would be freed."""
        return self._like(self._graph.immediate_dominators(self._members))

    def paths(self, count: int = 10, *, without: Without = ()) -> PathList:
        """Who holds them: the best path from a root to each of the first `count` objects.

        Of a set of one object it is its `count` best paths, as different as they can be.

        Parameters
        ----------
        count : int
            How many at most.
        without : iterable
            What paths must not follow: an ObjectSet for all references of its objects, a pair of
            sets for the references from the objects of one to those of the other.
        """
        from heapscope.objects.paths import find_paths

        return find_paths(self, count, without)

    def paths_to(self, other: ObjectSet, count: int = 10) -> PathList:
        """The best paths from the one object of this set to the one of another.

        In their text ``_`` stands for the first object.
        """
        from heapscope.objects.paths import between

        return between(self, other, count)

    def holders(self, limit: int = 20) -> list[dict[str, Any]]:
        """What holds how many of them: the best paths of all, merged.

        Returns
        -------
        list of dict
            pattern (a path with ``[*]``), held_by (in words), count, bytes, example (an id) and
            set; counts and bytes sum to the set's.
        """
        rows = self._graph.merged_paths(self._members, limit)
        for row in rows:
            row["set"] = self._like(row["set"])
        return rows

    @property
    def shortest_paths(self) -> PathList:
        """The shortest path to each object."""
        from heapscope.objects.paths import shortest_paths

        return shortest_paths(self)

    @property
    def rp(self) -> ReferencePattern:
        """The pattern of references that lead to them, by kinds."""
        from heapscope.objects.reference_pattern import ReferencePattern

        return ReferencePattern(self)

    def cycles(self, limit: int = 100, *, code: bool = False) -> list[dict[str, Any]]:
        """The reference cycles that any of them is part of, most bytes first.

        Parameters
        ----------
        limit : int
            How many at most.
        code : bool
            Those of program code, as `Heap.cycles_by_type` tells them apart.

        Returns
        -------
        list of dict
            objects (how many are entangled), bytes, way (the shortest cycle: id, type and name of
            the reference to the next), closing ({from, to, name}: the reference back), garbage
            (whether it waits for the collector), finalizers (how many objects have one) and
            finalizer_types.
        """
        return self._graph.cycles(self._members, limit, code)

    def _like(self, members: _analysis.HeapSet) -> ObjectSet:
        return ObjectSet(self.heap, members)

    theone = the_one
    sp = shortest_paths
    shpaths = shortest_paths
    imdom = immediate_dominators
    dominos = dominated
    domisize = retained_bytes
    indisize = size

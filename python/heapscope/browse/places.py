"""Where one can be in a heap: at the types, at the objects of one, at an object.

A place has a title, the names of its columns and rows; a row may lead to another place. No screen
is needed to make them.
"""

from __future__ import annotations

from heapscope.cli import units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap

__all__ = ["Place", "at_object", "at_objects", "at_types"]

_MOST = 500  # rows of one place; the last one says how many there are more


class Place:
    """What is shown.

    Attributes
    ----------
    title : list of str
        Lines above the rows.
    columns : tuple of str
        The last is a label, the others figures.
    rows : list of tuple of str
        One cell a column.
    leads : list
        For each row what makes the place it leads to, or None.
    """

    def __init__(self, title: list[str], columns: tuple[str, ...]) -> None:
        self.title = title
        self.columns = columns
        self.rows: list[tuple[str, ...]] = []
        self.leads: list[Callable[[], Place] | None] = []

    def add(self, cells: tuple[str, ...], lead: Callable[[], Place] | None = None) -> None:
        """Add a row."""
        self.rows.append(cells)
        self.leads.append(lead)


def at_types(heap: Heap, *, by_retained: bool = True) -> Place:
    """Return the types of a heap, those that retain or hold most first."""
    divided = heap.by_type
    rows = divided.rows
    retained = heap.graph.retained_of_parts([row.set.members for row in rows])
    both = list(zip(rows, retained, strict=True))
    if by_retained:
        both.sort(key=lambda pair: -pair[1])
    title = f"{units.count(heap.count)} objects, {units.size(heap.size)}"
    place = Place([title], ("count", "shallow", "retained", "type"))
    for row, kept in both:
        cells = (units.count(row.count), units.size(row.size), units.size(kept), row.kind)
        place.add(cells, _lead_to_objects(row.set, row.kind))
    return place


def _lead_to_objects(objects: ObjectSet, kind: str) -> Callable[[], Place]:
    return lambda: at_objects(objects, kind)


def at_objects(objects: ObjectSet, kind: str) -> Place:
    """Return objects one by one, the largest first."""
    graph = objects.heap.graph
    title = f"{units.count(objects.count)} {kind}, {units.size(objects.size)}"
    place = Place([title], ("shallow", "retained", "object"))
    for member, size in graph.largest(objects.members, 0, _MOST):
        kept = units.size(graph.object(member)["retained_bytes"])
        cells = (units.size(size), kept, graph.path_text(member))
        place.add(cells, _lead_to_object(objects.heap, member))
    if objects.count > _MOST:
        place.add(("", "", f"{units.count(objects.count - _MOST)} smaller ones"))
    return place


def _lead_to_object(heap: Heap, member: int) -> Callable[[], Place]:
    return lambda: at_object(heap, member)


def at_object(heap: Heap, member: int) -> Place:
    """Return an object: who refers to it, and what it refers to."""
    graph = heap.graph
    told = graph.object(member)
    title = [
        f"{told['type']}, {units.size(told['size_bytes'])}, "
        f"{units.size(told['retained_bytes'])} retained",
        graph.path_text(member),
    ]
    if told["text"] is not None:
        title[0] += f"  {told['text']['text']!r}"
    birth = told["birth"]
    if birth is not None and birth["stack"]:
        frame = birth["stack"][-1]
        age = int(graph.info.get("recorded_ns", 0)) / 1e9 - (birth["time_s"] or 0.0)
        what = "its block was allocated at" if birth["of_block"] else "allocated at"
        title.append(
            f"{what} {frame['file']}:{frame['line']} {frame['function']}, "
            f"{age:.3f} s before the snapshot"
        )
    place = Place(title, ("", "shallow", "retained", "name, and what it is"))
    for arrow, found in (
        ("held by ←", graph.referrers(member, _MOST)),
        ("refers to →", graph.references(member, _MOST)),
    ):
        for row in found["rows"]:
            cells = (
                arrow,
                units.size(row["size_bytes"]),
                units.size(row["retained_bytes"]),
                f"{row['name']}  {row['type']}",
            )
            lead = None if row["type"] == "<root>" else _lead_to_object(heap, row["id"])
            place.add(cells, lead)
        if found["total"] > _MOST:
            place.add((arrow, "", "", f"{units.count(found['total'] - _MOST)} more"))
    return place

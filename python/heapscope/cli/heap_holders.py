"""Who holds the objects of a type: merged paths of all, and the best path to some of them."""

from __future__ import annotations

from heapscope.cli import output, places, units
from heapscope.cli.command_error import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap

    Document = dict[str, Any]

__all__ = ["paths_of", "show_paths"]

_HOLDERS = 10
_PATHS = 5


def paths_of(heap: Heap, kind: str, limit: int | None) -> Document:
    """Return who holds the objects of a type, given by its name or the last part of it.

    Raises
    ------
    CommandError
        There is no such type in the snapshot.
    """
    objects = _objects(heap, kind)
    holders = [
        {key: row[key] for key in ("pattern", "held_by", "count", "bytes", "patterns")}
        for row in objects.holders(limit or _HOLDERS)
    ]
    paths = [
        {"path": path.text, "evaluates": path.evaluates} for path in objects.paths(limit or _PATHS)
    ]
    return {
        "type": objects.kind,
        "count": objects.count,
        "shallow_bytes": objects.size,
        "retained_bytes": objects.retained_bytes,
        "holders": holders,
        "paths": paths,
    }


def _objects(heap: Heap, kind: str) -> ObjectSet:
    for division in (heap.by_type, heap.by_class):
        try:
            return division.of_kind(kind)
        except KeyError:
            continue
    raise CommandError(f"there are no objects of a type {kind!r} in this snapshot")


def show_paths(console: Console, told: Document) -> None:
    """Print who holds the objects, and some paths."""
    from rich.text import Text

    title = (
        f"{units.count(told['count'])} {told['type']}, {units.size(told['shallow_bytes'])}, "
        f"{units.size(told['retained_bytes'])} retained"
    )
    console.print(Text(title, style="bold"), soft_wrap=True)
    console.print()
    lines = [
        ((units.count(row["count"]), units.size(row["bytes"])), _holder(row))
        for row in told["holders"]
    ]
    output.print_rows(console, ["count", "bytes", "held by"], lines)
    console.print()
    for index, path in enumerate(told["paths"]):
        console.print(Text(places.printable(f"{index:2d}: {path['path']}")), soft_wrap=True)


def _holder(row: Document) -> Callable[[int], Text]:
    def make(width: int) -> Text:
        from rich.text import Text

        label = Text(places.fit(row["held_by"], width))
        if row["pattern"] and row["pattern"] != row["held_by"]:
            label.append("\n  " + places.fit(row["pattern"], width - 2), style="dim")
        return label

    return make

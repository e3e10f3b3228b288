"""How many objects there are of each type, and of which there are more: objgraph's questions.

Every object that something holds is counted, those the collector does not track too; garbage that
it has yet to find is not, and is left as it is.
"""

from __future__ import annotations

import gc
import sys

from heapscope.objects.taking import heap
from heapscope.objects.type_tables import common_types_lines, growth_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from heapscope.objects.object_set import ObjectSet

    Objects = ObjectSet | Iterable[object]
    Filter = Callable[[object], bool]

__all__ = ["growth", "most_common_types", "show_growth", "show_most_common_types", "type_stats"]

_seen: dict[str, int] = {}


def type_stats(
    objects: Objects | None = None,
    *,
    shortnames: bool = True,
    filter: Filter | None = None,  # noqa: A002 - as objgraph calls it
) -> dict[str, int]:
    """Count the objects of each type.

    Parameters
    ----------
    objects : ObjectSet or iterable, optional
        Count these; without, those of the whole heap.
    shortnames : bool
        Leave modules out, and count types of one name together.
    filter : callable, optional
        Count only the objects for which it is true. It is called with the objects themselves: of
        the whole heap with those that the collector tracks, as objgraph does.
    """
    from heapscope.objects.heapy_names import plain_name
    from heapscope.objects.object_set import ObjectSet

    found = heap() if objects is None and filter is None else objects
    counts: dict[str, int] = {}
    if filter is not None:
        if isinstance(found, ObjectSet):
            found = [found.heap.live(member) for member in found.members]
        found = [obj for obj in (gc.get_objects() if found is None else found) if filter(obj)]
    assert found is not None
    if isinstance(found, ObjectSet):
        for row in found.by_type.rows:
            name = plain_name(row.kind)
            name = _short(name) if shortnames else name
            counts[name] = counts.get(name, 0) + row.count
        return counts
    for obj in found:
        kind = type(obj)
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        name = _short(name) if shortnames else name
        counts[name] = counts.get(name, 0) + 1
    return counts


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def most_common_types(
    limit: int | None = 10,
    objects: Objects | None = None,
    shortnames: bool = True,
    filter: Filter | None = None,  # noqa: A002 - as objgraph calls it
) -> list[tuple[str, int]]:
    """Return the types with the most objects, and how many, the most first.

    Parameters
    ----------
    limit : int or None
        How many types at most; None for all.
    objects : ObjectSet or iterable, optional
        Count these; without, those of the whole heap.
    shortnames : bool
        Leave modules out, and count types of one name together.
    filter : callable, optional
        Count only the objects for which it is true, of those that the collector tracks.
    """
    counts = type_stats(objects, shortnames=shortnames, filter=filter)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ordered[:limit] if limit else ordered


def show_most_common_types(
    limit: int | None = 10,
    objects: Objects | None = None,
    shortnames: bool = True,
    file: TextIO | None = None,
    filter: Filter | None = None,  # noqa: A002 - as objgraph calls it
) -> None:
    """Print the types with the most objects, in objgraph's layout.

    Parameters
    ----------
    limit, objects, shortnames, filter
        As for `most_common_types`.
    file : file, optional
        Where to, instead of stdout.
    """
    rows = most_common_types(limit, objects, shortnames, filter)
    _write(file, common_types_lines(rows))


def growth(
    limit: int | None = 10,
    peak_stats: dict[str, int] | None = None,
    shortnames: bool = True,
    filter: Filter | None = None,  # noqa: A002 - as objgraph calls it
) -> list[tuple[str, int, int]]:
    """Return the types of which there are more objects than at any earlier call.

    Parameters
    ----------
    limit : int or None
        How many types at most; None for all.
    peak_stats : dict, optional
        The highest counts so far, by type, kept up to date here; without, those of all calls
        without.
    shortnames : bool
        Leave modules out, and count types of one name together.
    filter : callable, optional
        Count only the objects for which it is true, of those that the collector tracks.

    Returns
    -------
    list of (type, objects, more)
        The greatest growth first.
    """
    highest = _seen if peak_stats is None else peak_stats
    counts = type_stats(shortnames=shortnames, filter=filter)
    grown = [
        (name, count, count - highest.get(name, 0))
        for name, count in counts.items()
        if count > highest.get(name, 0)
    ]
    highest.update((name, count) for name, count, _ in grown)
    grown.sort(key=lambda row: (-row[2], row[0]))
    return grown[:limit] if limit else grown


def show_growth(
    limit: int | None = 10,
    peak_stats: dict[str, int] | None = None,
    shortnames: bool = True,
    file: TextIO | None = None,
    filter: Filter | None = None,  # noqa: A002 - as objgraph calls it
) -> None:
    """Print the types of which there are more objects than at any earlier call, as objgraph does.

    Parameters
    ----------
    limit, peak_stats, shortnames, filter
        As for `growth`.
    file : file, optional
        Where to, instead of stdout.
    """
    _write(file, growth_lines(growth(limit, peak_stats, shortnames, filter)))


def _write(file: TextIO | None, lines: Iterable[str]) -> None:
    stream = sys.stdout if file is None else file
    for line in lines:
        stream.write(line + "\n")

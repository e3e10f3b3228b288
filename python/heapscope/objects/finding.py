"""What `Heap.suspects` and `Heap.waste` find: a row that prints as one line."""

from __future__ import annotations

from heapscope.cli.units import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Row = dict[str, Any]
else:
    Row = dict

__all__ = ["Finding"]


class Finding(Row):
    """One finding about a heap: a dict with its figures, which prints as a sentence.

    Keys: kind, bytes (what mending it would free, or save), count, what (one line), path, object
    (the id of the one to look at first) and objects (ids, 1,000 at most).
    """

    def __repr__(self) -> str:
        where = f": {self['path']}" if self["path"] else ""
        return f"{size(self['bytes'])}: {self['what']}{where}"

    __str__ = __repr__

"""What grew from the first census to the last, and what of it came to stay."""

from __future__ import annotations

import gc
import re
from typing import TYPE_CHECKING, Any

from heapscope.django.census import growth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapscope.django.census import Census, Censuses
    from heapscope.objects.leak_report import Leak
    from heapscope.objects.snapshot import Heap

_MOST_ROWS = 25
_MOST_FRAMES = 1000
_MODULE = re.compile(r"sys\.modules\['[\w.]+'\]")
_QUOTED = re.compile(r"b?'(?:[^'\\]|\\.)*'|b?\"(?:[^\"\\]|\\.)*\"")
_SUBSCRIPT = re.compile(r"\[[^][]*\]")


def by_type(censuses: Censuses) -> list[dict[str, Any]]:
    """Return a row for each type that there is more of, most bytes first.

    ``steady`` is whether every census counted more of it than the one before.
    """
    kept, steady = censuses.kept, censuses.steady if len(censuses.kept) > 2 else set()
    if len(kept) < 2:
        return []
    rows = growth(kept[0].counts, kept[-1].counts)
    told = [row for row in rows if row["bytes"] > 0][:_MOST_ROWS]
    return [{**row, "steady": row["type"] in steady} for row in told]


def that_stays(
    kept: Sequence[Census], *, show_keys: bool, is_own: Callable[[str], bool]
) -> list[dict[str, Any]]:
    """Return what was made after the first census, was there in the second, and is in the third.

    Parameters
    ----------
    kept : sequence of Census
        Three.
    show_keys : bool
        Whether holders are told with the keys of dicts.
    is_own : callable
        Whether a file is the project's: of a stack its innermost line is told.
    """
    from heapscope.objects.leak_report import report_growth

    leaks = report_growth(*(census.heap for census in kept)).rows[:_MOST_ROWS]
    stacks = _stacks(leaks, kept[-1].heap)
    rows = []
    unknown: tuple[str | None, int | None] = (None, None)
    for leak, stack in zip(leaks, stacks, strict=True):
        own = [frame for frame in stack if is_own(frame[0])]
        file, line = own[0] if own else unknown if leak.of_block or not stack else stack[0]
        rows.append(
            {
                "type": leak.type,
                "count": leak.objects,
                "bytes": leak.bytes,
                "freed_bytes": leak.freed_bytes,
                "held_by": leak.held_by if show_keys else without_keys(leak.held_by),
                "of_block": leak.of_block,
                "file": file,
                "line": line,
            }
        )
    return rows


def _stacks(leaks: Sequence[Leak], heap: Heap) -> list[list[tuple[str, int]]]:
    """Return the (file, line) of the frames that allocated an example of each, innermost first.

    Where the snapshot does not know, the tracker is asked about an example that lives still.
    """
    from heapscope import _tracker

    addresses = [heap.graph.object(leak.example)["address"] for leak in leaks]
    wanted = set(addresses)
    living = {id(obj): obj for obj in gc.get_objects() if id(obj) in wanted}
    stacks = []
    for leak, address in zip(leaks, addresses, strict=True):
        frames = [(frame["file"], frame["line"]) for frame in reversed(leak.stack)]
        if not frames and address in living:
            frames = list(_tracker.object_frames(living[address], _MOST_FRAMES) or ())
        stacks.append(frames)
    return stacks


def without_keys(path: str) -> str:
    """Leave the keys out of a path: what a dict is asked for may be somebody's data.

    Examples
    --------
    >>> without_keys("sys.modules['shop.cache']._store['a@b.example'][3].name")
    "sys.modules['shop.cache']._store[…][…].name"
    """
    module = _MODULE.match(path)
    start = module.group() if module else ""
    rest = _QUOTED.sub("…", path[len(start) :])
    before = None
    while rest != before:  # a key may have brackets of its own
        before = rest
        rest = _SUBSCRIPT.sub("\0", rest)
    return start + rest.replace("\0", "[…]")

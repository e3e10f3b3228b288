"""The garbage collector made visible: what it did, how long the program stood still for it.

The interpreter counts collections by itself. Pauses and the number of objects that a collection
looked at are known from the moment `watch_gc` is called on, a C function in `gc.callbacks`; while a
capture is being recorded each collection of an older generation is then a span on its timeline.
"""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["GCSummary", "Generation", "gc_summary", "unwatch_gc", "watch_gc"]


class Generation:
    """What the collector did to one generation.

    Attributes
    ----------
    generation : int
        0 is the youngest.
    collections, collected, uncollectable : int
        Since the interpreter started: how often, how many objects it freed and could not free.
    threshold : int
        When it is collected (`gc.get_threshold`); 0: never by itself.
    watched : int
        Collections since `watch_gc`; what follows is about these, None without.
    examined : int or None
        Objects that they looked at, in all; None also for the increments of CPython 3.14, which
        does not tell.
    freed : int or None
        Objects that they freed.
    pause_s, longest_pause_s : float or None
        How long the program stood still for them, in all and at most.
    """

    __slots__ = (
        "collected",
        "collections",
        "examined",
        "freed",
        "generation",
        "longest_pause_s",
        "pause_s",
        "threshold",
        "uncollectable",
        "watched",
    )

    def __init__(
        self, generation: int, stats: dict[str, int], threshold: int, seen: dict[str, Any] | None
    ) -> None:
        self.generation = generation
        self.collections = stats["collections"]
        self.collected = stats["collected"]
        self.uncollectable = stats["uncollectable"]
        self.threshold = threshold
        self.watched = 0 if seen is None else seen["collections"]
        self.examined = None if seen is None else seen["examined"]
        self.freed = None if seen is None else seen["freed"]
        self.pause_s = None if seen is None else seen["pause_ns"] / 1e9
        self.longest_pause_s = None if seen is None else seen["longest_ns"] / 1e9

    def as_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {name: getattr(self, name) for name in self.__slots__}


class GCSummary:
    """What the collector did so far; prints as a table.

    Attributes
    ----------
    enabled : bool
        Whether it runs by itself.
    generations : list of Generation
        The youngest first.
    frozen : int
        Objects that `gc.freeze` took out of its sight.
    uncollectable : dict of str to int
        Objects in `gc.garbage`, by type.
    """

    def __init__(self) -> None:
        self.enabled = gc.isenabled()
        thresholds = gc.get_threshold()
        # What was never loaded watches nothing.
        tracker: Any = sys.modules.get("heapscope._tracker")
        seen = tracker.gc_watched() if tracker is not None else None
        self.generations = [
            Generation(number, stats, thresholds[number], None if seen is None else seen[number])
            for number, stats in enumerate(gc.get_stats())
        ]
        self.frozen = gc.get_freeze_count()
        self.uncollectable: dict[str, int] = {}
        for obj in gc.garbage:
            kind = type(obj)
            name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
            self.uncollectable[name] = self.uncollectable.get(name, 0) + 1

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "enabled": self.enabled,
            "generations": [each.as_dict() for each in self.generations],
            "frozen": self.frozen,
            "uncollectable": dict(self.uncollectable),
        }

    def __repr__(self) -> str:
        watched = self.generations[0].pause_s is not None
        lines = [
            "gen  collections    collected  lost"
            + ("  watched    examined      pauses     longest" if watched else "")
        ]
        for each in self.generations:
            line = (
                f"{each.generation:3d}  {each.collections:11,d}  {each.collected:11,d}"
                f"  {each.uncollectable:4,d}"
            )
            if watched:
                line += f"  {each.watched:7,d}{_of_watched(each)}"
            lines.append(line)
        if watched:
            lines.append("examined and pauses: of those watched, from heapscope.watch_gc() on")
        else:
            lines.append("pauses and objects examined are counted from heapscope.watch_gc() on")
        if not self.enabled:
            lines.append("the collector is disabled: gc.disable()")
        if self.frozen:
            lines.append(f"{self.frozen:,} objects are frozen: gc.freeze()")
        for name, count in sorted(self.uncollectable.items()):
            lines.append(f"uncollectable: {count:,} {name}")
        return "\n".join(lines)


def _of_watched(each: Generation) -> str:
    if not each.watched:
        return ""
    examined = "?" if each.examined is None else f"{each.examined:,}"
    return f"  {examined:>10}  {_time(each.pause_s)}  {_time(each.longest_pause_s)}"


def _time(seconds: float | None) -> str:
    return f"{(seconds or 0) * 1000:7.2f} ms"


def watch_gc(*, young: bool = False) -> None:
    """Watch every collection from now on: pauses, objects looked at, and spans on the timeline.

    Parameters
    ----------
    young : bool
        Record a span of each collection of generation 0 too, many times a second.

    Notes
    -----
    While a capture is recorded, collections of the generations 1 and 2 are spans on its timeline
    (``gc generation 2``), and marks tell how many objects they freed. Calling it again changes
    `young` alone. Costs about 1 µs a collection, and a walk along the list of the objects it will
    look at. `heapscope run --gc-events` watches a program from its first line on.
    """
    from heapscope import _tracker

    _tracker.gc_watch(young)


def unwatch_gc() -> None:
    """End what `watch_gc` began; its figures are forgotten."""
    from heapscope import _tracker

    _tracker.gc_unwatch()


def gc_summary() -> GCSummary:
    """Tell what the garbage collector did so far.

    Returns
    -------
    GCSummary
        Collections, objects freed and examined and pauses by generation, frozen and uncollectable
        objects; it prints as a table.

    Examples
    --------
    >>> heapscope.gc_summary().generations[2].collections >= 0
    True
    """
    return GCSummary()

"""The garbage collector made visible: what it did, how long the program stood still for it.

The interpreter counts collections by itself. Pauses and the number of objects that a collection
looked at are known from the moment `watch_gc` is called on; while a capture is being recorded each
collection of an older generation is then a span on its timeline as well.
"""

from __future__ import annotations

import gc
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["GCSummary", "Generation", "gc_summary", "unwatch_gc", "watch_gc"]

_GENERATIONS = 3


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

    def __init__(self, generation: int, stats: dict[str, int], threshold: int) -> None:
        self.generation = generation
        self.collections = stats["collections"]
        self.collected = stats["collected"]
        self.uncollectable = stats["uncollectable"]
        self.threshold = threshold
        watch = _watch
        seen = watch.generations[generation] if watch is not None else None
        self.watched = 0 if seen is None else seen.collections
        self.examined = None if seen is None else seen.examined
        self.freed = None if seen is None else seen.freed
        self.pause_s = None if seen is None else seen.pause_ns / 1e9
        self.longest_pause_s = None if seen is None else seen.longest_ns / 1e9

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
        self.generations = [
            Generation(number, stats, thresholds[number])
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
            "generation  collections  collected  uncollectable"
            + ("     examined      pauses     longest" if watched else "")
        ]
        for each in self.generations:
            line = (
                f"{each.generation:10d}  {each.collections:11,d}  {each.collected:9,d}"
                f"  {each.uncollectable:13,d}"
            )
            if watched:
                examined = "?" if each.examined is None else f"{each.examined:,}"
                line += f"  {examined:>11}  {_time(each.pause_s)}  {_time(each.longest_pause_s)}"
            lines.append(line)
        if not watched:
            lines.append("pauses and objects examined are counted from heapscope.watch_gc() on")
        if not self.enabled:
            lines.append("the collector is disabled: gc.disable()")
        if self.frozen:
            lines.append(f"{self.frozen:,} objects are frozen: gc.freeze()")
        for name, count in sorted(self.uncollectable.items()):
            lines.append(f"uncollectable: {count:,} {name}")
        return "\n".join(lines)


def _time(seconds: float | None) -> str:
    return f"{(seconds or 0) * 1000:7.2f} ms"


class _Seen:
    """What was seen of the collections of one generation."""

    __slots__ = ("collections", "examined", "freed", "longest_ns", "pause_ns")

    def __init__(self) -> None:
        self.collections = 0
        self.examined: int | None = 0
        self.freed = 0
        self.pause_ns = 0
        self.longest_ns = 0


class _Watch:
    """Our entry in `gc.callbacks`. The collector holds the GIL: one collection at a time."""

    def __init__(self) -> None:
        from heapscope import _tracker

        self.generations = [_Seen() for _ in range(_GENERATIONS)]
        self._tracker = _tracker
        self._begun = 0
        self._examined: int | None = 0
        self._span = 0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        generation = info["generation"]
        if phase == "start":
            self._examined = self._tracker.gc_objects(generation)
            if generation:
                self._span = self._tracker.span_begin(f"gc generation {generation}")
            self._begun = time.perf_counter_ns()
            return
        if not self._begun:
            return  # watched since the middle of this collection
        took = time.perf_counter_ns() - self._begun
        seen = self.generations[generation]
        seen.collections += 1
        if self._examined is None or seen.examined is None:
            seen.examined = None
        else:
            seen.examined += self._examined
        seen.freed += info["collected"]
        seen.pause_ns += took
        seen.longest_ns = max(seen.longest_ns, took)
        self._begun = 0
        if self._span:
            self._tracker.span_end(self._span)
            self._span = 0
            if info["collected"] or info["uncollectable"]:
                of = "" if self._examined is None else f" of {self._examined:,}"
                self._tracker.mark(f"gc generation {generation}: {info['collected']:,}{of} freed")


_watch: _Watch | None = None


def watch_gc() -> None:
    """Watch every collection from now on: pauses, objects looked at, and spans on the timeline.

    A span (``gc generation 2``) is recorded for generations 1 and 2, and a mark with how many
    objects were freed; of the youngest generation, which is collected many times a second, only
    the figures of `gc_summary`. Calling it again changes nothing.

    Notes
    -----
    Costs about 2 µs a collection, and a walk along the list of the objects it will look at.
    """
    global _watch
    if _watch is None:
        _watch = _Watch()
        gc.callbacks.append(_watch)


def unwatch_gc() -> None:
    """End what `watch_gc` began; its figures are forgotten."""
    global _watch
    if _watch is not None:
        gc.callbacks.remove(_watch)
        _watch = None


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

"""The traces of a snapshot, one a block, made when they are looked at."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

from heapscope.traces.blocks import Blocks
from heapscope.traces.filters import Domain, RawTrace
from heapscope.traces.frames import Traceback
from heapscope.traces.sizes import format_size


class Trace:
    """One live block.

    Parameters
    ----------
    trace : tuple
        (domain, size, frames with the most recent first, frames of the whole stack).
    """

    __slots__ = ("_trace",)

    def __init__(self, trace: RawTrace) -> None:
        self._trace = trace

    @property
    def domain(self) -> Domain:
        """0 for CPython's own allocators, an extension's number, ``"malloc"`` or ``"mmap"``."""
        return self._trace[0]

    @property
    def size(self) -> int:
        """Bytes that were asked for."""
        return self._trace[1]

    @property
    def traceback(self) -> Traceback:
        """Where it was allocated."""
        return Traceback(*self._trace[2:])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self._trace == other._trace

    def __hash__(self) -> int:
        return hash(self._trace)

    def __str__(self) -> str:
        return f"{self.traceback}: {format_size(self.size)}"

    def __repr__(self) -> str:
        return (
            f"<Trace domain={self.domain} size={format_size(self.size)},"
            f" traceback={self.traceback!r}>"
        )


class Traces(Sequence[Trace]):
    """The blocks of a snapshot, in no order that means anything. What a block is, is made when
    asked for; equal blocks lie next to each other.
    """  # noqa: D205

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._ends = list(accumulate(blocks.counts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Trace: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Trace, ...]: ...
    def __getitem__(self, index: int | slice) -> Trace | tuple[Trace, ...]:
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError("there is no such trace")
        return Trace(self._blocks.trace(bisect_right(self._ends, at)))

    def _raw(self) -> Iterator[RawTrace]:
        for row, count in enumerate(self._blocks.counts):
            trace = self._blocks.trace(row)
            for _ in range(count):
                yield trace

    def __iter__(self) -> Iterator[Trace]:
        return map(Trace, self._raw())

    def __contains__(self, trace: object) -> bool:
        rows = range(len(self._blocks))
        return isinstance(trace, Trace) and any(
            self._blocks.trace(row) == trace._trace for row in rows
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Traces):
            return NotImplemented
        return len(self) == len(other) and all(
            one == another for one, another in zip(self._raw(), other._raw(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return f"<Traces len={len(self)}>"

    @property
    def _traces(self) -> list[RawTrace]:
        """What tracemalloc's has under this name, and some programs read."""
        return list(self._raw())

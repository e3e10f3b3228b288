"""The blocks of a snapshot in columns: so many of one size, of one stack and domain, are one row.

A million blocks are some thousand rows, and no Python object exists for a block until it is asked
for. Rows name stacks by number; a `Stacks` knows their frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from heapscope.traces.filters import Domain, RawTrace
from heapscope.traces.frames import UNKNOWN, RawFrame, RawFrames

_NATIVE: dict[int, Domain] = {1 << 32: "malloc", (1 << 32) + 1: "mmap"}


class Stacks:
    """The frames of numbered stacks, listed."""

    def __init__(self, listed: Sequence[tuple[RawFrames, int]]) -> None:
        self._listed = listed

    def frames(self, stack: int) -> RawFrames:
        """Return the frames, most recent first, cut to the limit."""
        return self._listed[stack][0]

    def depth(self, stack: int) -> int:
        """Return how many frames there were before the cut."""
        return self._listed[stack][1]


class LiveStacks(Stacks):
    """The stacks of the tracker: frames that name their callers, told as tuples when asked for.

    Parameters
    ----------
    files : tuple of str
        Names of files.
    parents, file_numbers, lines, depths : bytes
        Columns of 4-byte integers, one entry a frame; 0 is no frame.
    limit : int
        Frames of a stack that are told.
    """

    def __init__(
        self,
        files: tuple[str, ...],
        parents: bytes,
        file_numbers: bytes,
        lines: bytes,
        depths: bytes,
        limit: int,
    ) -> None:
        self._files = files
        self._parents = memoryview(parents).cast("I")
        self._file_numbers = memoryview(file_numbers).cast("I")
        self._lines = memoryview(lines).cast("I")
        self._depths = memoryview(depths).cast("I")
        self._limit = limit
        self._frame_of: dict[int, RawFrame] = {}
        self._shared: dict[RawFrames, RawFrames] = {}
        self._frames_of: dict[int, RawFrames] = {0: (UNKNOWN,)}

    def _frame(self, number: int) -> RawFrame:
        frame = self._frame_of.get(number)
        if frame is None:
            frame = (self._files[self._file_numbers[number]], self._lines[number])
            self._frame_of[number] = frame
        return frame

    def frames(self, stack: int) -> RawFrames:
        """Return the frames, most recent first, cut to the limit."""
        frames = self._frames_of.get(stack)
        if frames is None:
            numbers: list[int] = []
            at = stack
            while at and len(numbers) < self._limit:
                numbers.append(at)
                at = self._parents[at]
            frames = tuple(map(self._frame, numbers))
            # Stacks that are equal where they were cut share a tuple, as in tracemalloc.
            frames = self._frames_of[stack] = self._shared.setdefault(frames, frames)
        return frames

    def depth(self, stack: int) -> int:
        """Return how many frames there were before the cut."""
        return min(self._depths[stack], 65_535) if stack else 1


class Blocks:
    """Rows of equal blocks.

    Parameters
    ----------
    stacks : Stacks
        What the numbers in `of_stack` mean.
    of_stack, domains, sizes, counts : sequence
        Columns.
    """

    def __init__(
        self,
        stacks: Stacks,
        of_stack: Sequence[int],
        domains: Sequence[Domain],
        sizes: Sequence[int],
        counts: Sequence[int],
    ) -> None:
        self.stacks = stacks
        self.of_stack = of_stack
        self.domains = domains
        self.sizes = sizes
        self.counts = counts

    @classmethod
    def live(cls, columns: tuple[Any, ...], limit: int) -> Blocks:
        """Return what `_tracker.live_traces` told."""
        files, parents, file_numbers, lines, depths, of_stack, domains, sizes, counts = columns
        numbers = memoryview(domains).cast("Q").tolist()
        return cls(
            LiveStacks(files, parents, file_numbers, lines, depths, limit),
            memoryview(of_stack).cast("I"),
            [_NATIVE.get(number, number) for number in numbers] if any(numbers) else numbers,
            memoryview(sizes).cast("Q"),
            memoryview(counts).cast("Q"),
        )

    @classmethod
    def of_traces(cls, traces: Iterable[Sequence[Any]]) -> Blocks:
        """Return the blocks of traces as tracemalloc has them, in their order."""
        numbers: dict[tuple[RawFrames, int], int] = {}
        rows: list[list[Any]] = []
        for domain, size, frames, *total in traces:
            stack = (frames, total[0] if total else len(frames))
            row = [numbers.setdefault(stack, len(numbers)), domain, size]
            if rows and rows[-1][:3] == row:
                rows[-1][3] += 1
            else:
                rows.append([*row, 1])
        return cls.of_rows(Stacks(list(numbers)), rows)

    @classmethod
    def of_rows(cls, stacks: Stacks, rows: Sequence[Sequence[Any]]) -> Blocks:
        """Return blocks from rows of (stack, domain, size, count)."""
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [(), (), (), ()]
        return cls(stacks, *columns)

    def __len__(self) -> int:
        return len(self.counts)

    def trace(self, row: int) -> RawTrace:
        """Return one block of a row as tracemalloc has it."""
        stack = self.of_stack[row]
        frames, depth = self.stacks.frames(stack), self.stacks.depth(stack)
        return (self.domains[row], self.sizes[row], frames, depth)

    def select(self, keeps: Callable[[int], bool]) -> Blocks:
        """Return the rows whose number `keeps` says to keep."""
        rows = [row for row in range(len(self)) if keeps(row)]
        return Blocks(
            self.stacks,
            [self.of_stack[row] for row in rows],
            [self.domains[row] for row in rows],
            [self.sizes[row] for row in rows],
            [self.counts[row] for row in rows],
        )

    def totals(self) -> dict[int, tuple[int, int]]:
        """Return bytes and blocks by stack."""
        found: dict[int, tuple[int, int]] = {}
        for stack, size, count in zip(self.of_stack, self.sizes, self.counts, strict=True):
            bytes_, blocks = found.get(stack, (0, 0))
            found[stack] = (bytes_ + size * count, blocks + count)
        return found

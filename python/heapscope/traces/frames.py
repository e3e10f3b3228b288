"""Where a block was allocated: a frame, and the frames of a stack."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from functools import total_ordering
from typing import overload

# A frame as tracemalloc has it: file name and line, 0 where it is not known.
RawFrame = tuple[str, int]
# The frames of a stack, most recent first.
RawFrames = tuple[RawFrame, ...]

UNKNOWN: RawFrame = ("<unknown>", 0)


@total_ordering
class Frame:
    """A line of a file.

    Parameters
    ----------
    frame : (str, int)
        File name and line number.
    """

    __slots__ = ("_frame",)

    def __init__(self, frame: RawFrame) -> None:
        self._frame = frame

    @property
    def filename(self) -> str:
        """The code's `co_filename`; ``<unknown>`` where there was no Python frame."""
        return self._frame[0]

    @property
    def lineno(self) -> int:
        """The line, 0 where it is not known or was not asked for."""
        return self._frame[1]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return self._frame == other._frame

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return self._frame < other._frame

    def __hash__(self) -> int:
        return hash(self._frame)

    def __str__(self) -> str:
        return f"{self.filename}:{self.lineno}"

    def __repr__(self) -> str:
        return f"<Frame filename={self.filename!r} lineno={self.lineno!r}>"


@total_ordering
class Traceback(Sequence[Frame]):
    """The frames of a stack, the oldest first: ``traceback[-1]`` is the most recent one.

    Parameters
    ----------
    frames : sequence of (str, int)
        The most recent first.
    total_nframe : int, optional
        How many the stack had before it was cut to the limit.
    """

    __slots__ = ("_frames", "_total_nframe")

    def __init__(self, frames: Sequence[RawFrame], total_nframe: int | None = None) -> None:
        self._frames = tuple(frames)[::-1]
        self._total_nframe = total_nframe

    @property
    def total_nframe(self) -> int | None:
        """Frames of the whole stack; None where it is not known, as in statistics."""
        return self._total_nframe

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, index: int | slice) -> Frame | tuple[Frame, ...]:
        if isinstance(index, slice):
            return tuple(map(Frame, self._frames[index]))
        return Frame(self._frames[index])

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, Frame) and frame._frame in self._frames

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Traceback):
            return NotImplemented
        return self._frames == other._frames

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Traceback):
            return NotImplemented
        return self._frames < other._frames

    def __hash__(self) -> int:
        return hash(self._frames)

    def __str__(self) -> str:
        return str(self[0])

    def __repr__(self) -> str:
        total = "" if self._total_nframe is None else f" total_nframe={self._total_nframe}"
        return f"<Traceback {tuple(self)}{total}>"

    def format(self, limit: int | None = None, most_recent_first: bool = False) -> list[str]:
        """Return the lines that a traceback would print, with the source where it can be read.

        Parameters
        ----------
        limit : int, optional
            The most recent frames of that number, or the oldest of ``abs(limit)`` when negative.
        most_recent_first : bool
            The other way round.

        Returns
        -------
        list of str
            Without newlines.
        """
        if limit is None:
            frames = self._frames
        elif limit > 0:
            frames = self._frames[-limit:]
        else:
            frames = self._frames[:limit]
        lines = []
        for filename, lineno in reversed(frames) if most_recent_first else frames:
            lines.append(f'  File "{filename}", line {lineno}')
            source = linecache.getline(filename, lineno).strip()
            if source:
                lines.append(f"    {source}")
        return lines

"""Asking the tracker about this process: what is live now, and where an object came from."""

from __future__ import annotations

import os

from heapscope import _tracker, tracking
from heapscope.errors import TrackingError
from heapscope.traces.blocks import Blocks
from heapscope.traces.frames import UNKNOWN, Traceback
from heapscope.traces.snapshot import Snapshot

# Without a function of Python's between: nothing is allocated but the result.
get_traced_memory = _tracker.get_traced_memory
reset_peak = _tracker.reset_peak
clear_traces = _tracker.clear_traces


class NotTracingError(TrackingError, RuntimeError):
    """A snapshot was asked for, and this process is not tracked. Also a RuntimeError."""


def take_snapshot(native: bool = False, *, nframe: int | None = None) -> Snapshot:
    """Return what is live at this moment, as tracemalloc would.

    The blocks are those that were allocated since tracking started (or `clear_traces`) by
    CPython's allocators, domain 0, and those that extensions report, numpy's buffers among them.
    What heapscope's own snapshots hold is left out.

    Parameters
    ----------
    native : bool
        Blocks of native code too, domains ``"malloc"`` and ``"mmap"``. A buffer that an extension
        reports is in the extension's domain only.
    nframe : int, optional
        Frames of each traceback, at most; `get_traceback_limit` of them by default. Stacks are
        always recorded whole, so more than `start` was told are there.

    Returns
    -------
    Snapshot
        Consistent, also while other threads allocate. It outlives tracking.

    Raises
    ------
    NotTracingError
        The process is not tracked.
    ValueError
        A number of frames that is not in [1, 65535].
    """
    limit = get_traceback_limit() if nframe is None else tracking.check_nframe(nframe)
    columns = _tracker.live_traces(native, _OWN)
    if columns is None:
        raise NotTracingError(
            "heapscope must be tracing memory allocations to take a snapshot: call "
            "heapscope.start() first"
        )
    return Snapshot(Blocks.live(columns, limit), limit)


def get_object_traceback(obj: object) -> Traceback | None:
    """Return where the block of an object was allocated.

    Parameters
    ----------
    obj : object
        Any object. Its own block is meant, not those that it refers to.

    Returns
    -------
    Traceback or None
        None when the process is not tracked, or the object is older than tracking or
        `clear_traces`.
    """
    frames = _tracker.object_frames(obj, get_traceback_limit())
    return None if frames is None else Traceback(frames or (UNKNOWN,))


def get_traceback_limit() -> int:
    """Return how many frames a traceback has at most: what `start` was told, else all of them."""
    return tracking.traceback_limit()


def get_tracemalloc_memory() -> int:
    """Return the bytes of address space that the tracker's own tables have; 0 when not tracking."""
    return _tracker.counters()["own_bytes"]


_OWN = os.path.dirname(take_snapshot.__code__.co_filename) + os.sep  # noqa: PTH120

"""Meters for those who measure: of a thread, with the tracker started if it is not running."""

from __future__ import annotations

import sys

from heapscope.errors import TrackingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope._tracker import Meter, ProcessMeter

_refused = False


def open_meter(threads: str = "own") -> Meter | ProcessMeter | None:
    """Return a meter that is not started yet; None where this process cannot be tracked.

    With `threads` ``all`` it is one of the whole process, else of the thread that starts it.
    Why it cannot is said once, on stderr.
    """
    global _refused
    try:
        from heapscope.tracking import ensure_tracking

        ensure_tracking()
        from heapscope._tracker import Meter, ProcessMeter
    except (ImportError, TrackingError) as error:
        if not _refused and sys.stderr is not None:
            sys.stderr.write(f"heapscope: exact bytes are not measured: {error}\n")
        _refused = True
        return None
    return ProcessMeter() if threads == "all" else Meter()


def tracking_run() -> object:
    """Return what tells one run of the tracker from another; None when nothing is tracked."""
    from heapscope import tracking

    with tracking._lock:  # another thread may be about to start
        if not tracking.is_tracing():
            return None
        return tracking._recording or "started by heapscope run"

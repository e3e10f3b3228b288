"""Naming moments of a program, so that they are found again in its capture and on its timeline."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_tracker: ModuleType | None
try:
    from heapscope import _tracker
except ImportError:  # an interpreter that cannot be tracked
    _tracker = None

_RECORDED = "HEAPSCOPE_TIMELINE" in os.environ  # by `heapscope timeline run` or `mprof run`

__all__ = ["mark"]


def mark(label: str) -> None:
    """Name this moment.

    The mark is in the capture that records the process, with the heap of the moment:
    `heapscope.Capture.events`, and on the timelines of ``report`` and ``plot``; under ``timeline
    run`` it is in the .dat file. It is there as soon as this returns, also when the process is
    killed right after.

    Parameters
    ----------
    label : str
        What it is called. More than 192 bytes of UTF-8 are cut.

    Notes
    -----
    0.1 to 0.2 µs in a capture, and next to nothing where the process is not tracked. The first
    4,096 marks and spans and the latest 4,096 are kept; after the first ones, marks of one label
    and thread that follow each other within a thousandth of the run are kept as one with a count.

    Examples
    --------
    >>> heapscope.mark("index is built")
    """
    if _RECORDED:
        from heapscope.timeline import spans

        spans.mark(label)
    if _tracker is not None:
        _tracker.mark(label)

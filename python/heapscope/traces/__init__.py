"""tracemalloc's interface over live tracking: snapshots of the live blocks, grouped and compared.

The names are at the top of `heapscope` too, so a program written for tracemalloc runs with
``import heapscope as tracemalloc``. docs/tracemalloc.md says where figures differ on purpose.
"""

from __future__ import annotations

from heapscope.traces.display import display_top
from heapscope.traces.filters import BaseFilter, DomainFilter, Filter
from heapscope.traces.frames import Frame, Traceback
from heapscope.traces.live import (
    NotTracingError,
    clear_traces,
    get_object_traceback,
    get_traceback_limit,
    get_traced_memory,
    get_tracemalloc_memory,
    reset_peak,
    take_snapshot,
)
from heapscope.traces.sequence import Trace
from heapscope.traces.snapshot import Snapshot
from heapscope.traces.statistic import Statistic, StatisticDiff

__all__ = [
    "BaseFilter",
    "DomainFilter",
    "Filter",
    "Frame",
    "NotTracingError",
    "Snapshot",
    "Statistic",
    "StatisticDiff",
    "Trace",
    "Traceback",
    "clear_traces",
    "display_top",
    "get_object_traceback",
    "get_traceback_limit",
    "get_traced_memory",
    "get_tracemalloc_memory",
    "reset_peak",
    "take_snapshot",
]

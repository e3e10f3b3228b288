"""Where the memory of a Python program went: every allocation, with its whole stack.

Names are imported when they are first used, so that ``import heapscope`` costs next to nothing and
loads nothing but the standard library.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing itself would be most of the cost of this module
if TYPE_CHECKING:
    from heapscope.capture import Capture
    from heapscope.checkpoints import Checkpoint, using
    from heapscope.errors import CaptureError, HeapscopeError, SnapshotError, TrackingError
    from heapscope.marks import mark
    from heapscope.measuring import measure
    from heapscope.objects.checks import GrowthError, assert_no_growth, no_growth
    from heapscope.objects.collector import gc_summary, unwatch_gc, watch_gc
    from heapscope.objects.explain import explain_size
    from heapscope.objects.native import NativeSize, native_sizeof
    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.pictures import (
        Picture,
        show_backrefs,
        show_chain,
        show_dominators,
        show_refs,
    )
    from heapscope.objects.session import hpy
    from heapscope.objects.sizes import asizeof, deep_sizeof, retained_sizeof, sizeof
    from heapscope.objects.snapshot import Heap
    from heapscope.objects.taking import heap
    from heapscope.objects.tracker import HeapTracker
    from heapscope.objects.type_counts import (
        growth,
        most_common_types,
        show_growth,
        show_most_common_types,
    )
    from heapscope.profiling import profile
    from heapscope.statement_figures import memit
    from heapscope.timeline.usage import memory_usage
    from heapscope.traces import (
        DomainFilter,
        Filter,
        Frame,
        Snapshot,
        Statistic,
        StatisticDiff,
        Trace,
        Traceback,
        clear_traces,
        display_top,
        get_object_traceback,
        get_traceback_limit,
        get_traced_memory,
        get_tracemalloc_memory,
        reset_peak,
        take_snapshot,
    )
    from heapscope.tracking import is_tracing, start, stop, track

__all__ = [
    "Capture",
    "CaptureError",
    "Checkpoint",
    "DomainFilter",
    "Filter",
    "Frame",
    "GrowthError",
    "Heap",
    "HeapTracker",
    "HeapscopeError",
    "NativeSize",
    "ObjectSet",
    "Picture",
    "Snapshot",
    "SnapshotError",
    "Statistic",
    "StatisticDiff",
    "Trace",
    "Traceback",
    "TrackingError",
    "__version__",
    "asizeof",
    "assert_no_growth",
    "clear_traces",
    "deep_sizeof",
    "display_top",
    "explain_size",
    "gc_summary",
    "get_object_traceback",
    "get_traceback_limit",
    "get_traced_memory",
    "get_tracemalloc_memory",
    "growth",
    "heap",
    "hpy",
    "is_tracing",
    "mark",
    "measure",
    "memit",
    "memory_usage",
    "most_common_types",
    "native_sizeof",
    "no_growth",
    "profile",
    "reset_peak",
    "retained_sizeof",
    "show_backrefs",
    "show_chain",
    "show_dominators",
    "show_growth",
    "show_most_common_types",
    "show_refs",
    "sizeof",
    "start",
    "stop",
    "take_snapshot",
    "track",
    "unwatch_gc",
    "using",
    "watch_gc",
]

_HOMES = {
    "Capture": "capture",
    "CaptureError": "errors",
    "Checkpoint": "checkpoints",
    "DomainFilter": "traces",
    "Filter": "traces",
    "Frame": "traces",
    "GrowthError": "objects.checks",
    "Heap": "objects.snapshot",
    "HeapTracker": "objects.tracker",
    "HeapscopeError": "errors",
    "NativeSize": "objects.native",
    "ObjectSet": "objects.object_set",
    "Picture": "objects.pictures",
    "Snapshot": "traces",
    "SnapshotError": "errors",
    "Statistic": "traces",
    "StatisticDiff": "traces",
    "Trace": "traces",
    "Traceback": "traces",
    "TrackingError": "errors",
    "asizeof": "objects.sizes",
    "assert_no_growth": "objects.checks",
    "clear_traces": "traces",
    "deep_sizeof": "objects.sizes",
    "display_top": "traces",
    "explain_size": "objects.explain",
    "gc_summary": "objects.collector",
    "get_object_traceback": "traces",
    "get_traceback_limit": "traces",
    "get_traced_memory": "traces",
    "get_tracemalloc_memory": "traces",
    "growth": "objects.type_counts",
    "heap": "objects.taking",
    "hpy": "objects.session",
    "is_tracing": "tracking",
    "load_ipython_extension": "notebook",
    "mark": "marks",
    "measure": "measuring",
    "memit": "statement_figures",
    "memory_usage": "timeline.usage",
    "most_common_types": "objects.type_counts",
    "native_sizeof": "objects.native",
    "no_growth": "objects.checks",
    "profile": "profiling",
    "reset_peak": "traces",
    "retained_sizeof": "objects.sizes",
    "show_backrefs": "objects.pictures",
    "show_chain": "objects.pictures",
    "show_dominators": "objects.pictures",
    "show_growth": "objects.type_counts",
    "show_most_common_types": "objects.type_counts",
    "show_refs": "objects.pictures",
    "sizeof": "objects.sizes",
    "start": "tracking",
    "stop": "tracking",
    "take_snapshot": "traces",
    "track": "tracking",
    "unload_ipython_extension": "notebook",
    "unwatch_gc": "objects.collector",
    "using": "checkpoints",
    "watch_gc": "objects.collector",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{home}", fromlist=[name])
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))

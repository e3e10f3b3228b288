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
    from heapscope.objects.explain import explain_size
    from heapscope.objects.pictures import (
        Picture,
        show_backrefs,
        show_chain,
        show_dominators,
        show_refs,
    )
    from heapscope.objects.sizes import asizeof, deep_sizeof, retained_sizeof, sizeof
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
    "HeapscopeError",
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
    "clear_traces",
    "deep_sizeof",
    "display_top",
    "explain_size",
    "get_object_traceback",
    "get_traceback_limit",
    "get_traced_memory",
    "get_tracemalloc_memory",
    "is_tracing",
    "mark",
    "measure",
    "memit",
    "memory_usage",
    "profile",
    "reset_peak",
    "retained_sizeof",
    "show_backrefs",
    "show_chain",
    "show_dominators",
    "show_refs",
    "sizeof",
    "start",
    "stop",
    "take_snapshot",
    "track",
    "using",
]

_HOMES = {
    "Capture": "capture",
    "CaptureError": "errors",
    "Checkpoint": "checkpoints",
    "DomainFilter": "traces",
    "Filter": "traces",
    "Frame": "traces",
    "HeapscopeError": "errors",
    "Picture": "objects.pictures",
    "Snapshot": "traces",
    "SnapshotError": "errors",
    "Statistic": "traces",
    "StatisticDiff": "traces",
    "Trace": "traces",
    "Traceback": "traces",
    "TrackingError": "errors",
    "asizeof": "objects.sizes",
    "clear_traces": "traces",
    "deep_sizeof": "objects.sizes",
    "display_top": "traces",
    "explain_size": "objects.explain",
    "get_object_traceback": "traces",
    "get_traceback_limit": "traces",
    "get_traced_memory": "traces",
    "get_tracemalloc_memory": "traces",
    "is_tracing": "tracking",
    "load_ipython_extension": "notebook",
    "mark": "marks",
    "measure": "measuring",
    "memit": "statement_figures",
    "memory_usage": "timeline.usage",
    "profile": "profiling",
    "reset_peak": "traces",
    "retained_sizeof": "objects.sizes",
    "show_backrefs": "objects.pictures",
    "show_chain": "objects.pictures",
    "show_dominators": "objects.pictures",
    "show_refs": "objects.pictures",
    "sizeof": "objects.sizes",
    "start": "tracking",
    "stop": "tracking",
    "take_snapshot": "traces",
    "track": "tracking",
    "unload_ipython_extension": "notebook",
    "using": "checkpoints",
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

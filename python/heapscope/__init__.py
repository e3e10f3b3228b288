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
    from heapscope.errors import CaptureError, HeapscopeError, TrackingError
    from heapscope.marks import mark
    from heapscope.measuring import measure
    from heapscope.profiling import profile
    from heapscope.statement_figures import memit
    from heapscope.timeline.usage import memory_usage
    from heapscope.tracking import is_tracing, start, stop, track

__all__ = [
    "Capture",
    "CaptureError",
    "Checkpoint",
    "HeapscopeError",
    "TrackingError",
    "__version__",
    "is_tracing",
    "mark",
    "measure",
    "memit",
    "memory_usage",
    "profile",
    "start",
    "stop",
    "track",
    "using",
]

_HOMES = {
    "Capture": "capture",
    "CaptureError": "errors",
    "Checkpoint": "checkpoints",
    "HeapscopeError": "errors",
    "TrackingError": "errors",
    "is_tracing": "tracking",
    "load_ipython_extension": "notebook",
    "mark": "marks",
    "measure": "measuring",
    "memit": "statement_figures",
    "memory_usage": "timeline.usage",
    "profile": "profiling",
    "start": "tracking",
    "stop": "tracking",
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

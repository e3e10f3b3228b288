"""Which of CPython's test modules are compared: those of the areas the tracker touches."""

from __future__ import annotations

import importlib.util
import os

# Those that take longest come first, so that parallel workers end at about the same time.
ALL = (
    "test_asyncio",
    "test_signal",
    "test_subprocess",
    "test_threading",
    "test_faulthandler",
    "test_weakref",
    "test_capi",
    "test_os",
    "test_exceptions",
    "test_fork1",
    "test_tracemalloc",
    "test_gc",
    "test_ctypes",
    "test_sys",
    "test_coroutines",
    "test_sys_settrace",
    "test_monitoring",
    "test_atexit",
    "test_code",
    "test_generators",
    "test_memoryview",
    "test_mmap",
    "test_sys_setprofile",
)
# By hand only: they test how programs are started, which costs minutes and repeats others here.
_BY_HAND = ("test_subprocess", "test_faulthandler")
# What depends most on the layouts of one version: compared on each.
BRIEF = (
    "test_fork1",
    "test_tracemalloc",
    "test_gc",
    "test_coroutines",
    "test_sys_settrace",
    "test_monitoring",
    "test_code",
    "test_generators",
    "test_sys_setprofile",
)


def everything() -> bool:
    """Return whether all of them are to be compared, HEAPSCOPE_SUITE=all."""
    return os.environ.get("HEAPSCOPE_SUITE") == "all"


def chosen() -> list[str]:
    """Return what a test run compares."""
    if everything():
        return present(ALL)
    return present(tuple(name for name in ALL if name not in _BY_HAND))


def present(names: tuple[str, ...] = ALL) -> list[str]:
    """Return those of the modules that this interpreter has (3.10 has no test_monitoring, …)."""
    return [name for name in names if importlib.util.find_spec(f"test.{name}") is not None]

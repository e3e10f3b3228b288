"""The lines of the project's own functions, counted while requests run.

Which functions those are is found by looking through the modules that are loaded: nothing is
wrapped or replaced. A line is counted on the threads of requests only.
"""

from __future__ import annotations

import linecache
import sys
import threading
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapscope.django.project import Project

_MOST_SHOWN = 10
_MOST_SOURCE = 200  # characters of a line
_DEPTH = 20  # of functions in functions, and of wrappers


def _opened() -> None:
    """Stand for a request: profiling is opened on its thread in this function's name."""


class ProjectLines:
    """Counts lines of the project's modules, or of packages.

    Parameters
    ----------
    project : Project
        Whose files are meant.
    packages : tuple of str
        In place of them.
    """

    def __init__(self, project: Project, packages: tuple[str, ...]) -> None:
        self._project = project
        self._packages = packages
        self._lock = threading.Lock()
        self._modules: set[str] = set()
        self._loaded = 0
        self._open = 0
        self._ran: set[CodeType] = set()  # and has figures
        self._codes: dict[tuple[str, int], set[CodeType]] = {}  # by file and first line

    def begin(self) -> None:
        """Begin a request: if it is alone, figures start from zero."""
        from heapscope import _tracker

        self.look()
        with self._lock:
            if self._open == 0:
                for code in self._ran:
                    _tracker.forget_line_profile(code)
                self._ran = set()
            self._open += 1

    def end(self) -> list[dict[str, Any]]:
        """End a request: return the lines that needed most since it began."""
        from heapscope import _tracker

        rows = []
        with self._lock:
            self._open -= 1
            for function in _tracker.line_profile():
                codes = self._codes.get((function["file"], function["first_line"]))
                if codes is not None:
                    self._ran |= codes
                    rows += [(function, line) for line in function["lines"] if line["line"]]
        rows.sort(key=lambda row: (-row[1]["peak_bytes"], -row[1]["allocated_bytes"]))
        return [self._told(function, line) for function, line in rows[:_MOST_SHOWN]]

    def open_thread(self) -> bool:
        """Count on this thread from here; whether it does."""
        from heapscope import _tracker

        return _tracker.profile_enter(_opened.__code__)

    def close_thread(self) -> None:
        """Count no more; only after an `open_thread` that was true."""
        from heapscope import _tracker

        _tracker.profile_leave(_opened.__code__, True)

    def look(self) -> None:
        """Find the functions of modules that were loaded since."""
        if len(sys.modules) != self._loaded:
            with self._lock:
                self._look()

    def _look(self) -> None:
        from heapscope import _tracker

        modules = list(sys.modules.items())
        self._loaded = len(modules)
        for name, module in modules:
            file = getattr(module, "__file__", None)
            if name in self._modules or not isinstance(file, str):
                continue
            self._modules.add(name)
            if not self._is_meant(name, file):
                continue
            for code in _codes_of(module):
                if not self._packages and not self._project.has(code.co_filename):
                    continue
                known = self._codes.setdefault((code.co_filename, code.co_firstlineno), set())
                if code not in known:
                    known.add(code)
                    _tracker.profile_code(code)

    def _is_meant(self, name: str, file: str) -> bool:
        if self._packages:
            return any(name == each or name.startswith(each + ".") for each in self._packages)
        return self._project.has(file)

    def _told(self, function: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
        file = function["file"]
        return {
            "file": self._project.short(file),
            "line": line["line"],
            "function": function["function"],
            "source": linecache.getline(file, line["line"]).strip()[:_MOST_SOURCE],
            "occurrences": line["occurrences"],
            "peak_bytes": line["peak_bytes"],
            "increment_bytes": line["increment_bytes"],
            "allocated_bytes": line["allocated_bytes"],
        }


def _codes_of(module: object) -> Iterator[CodeType]:
    """Yield the code of functions and methods that a module has, and of functions in them."""
    name = getattr(module, "__name__", None)
    for value in list(vars(module).values()):
        if isinstance(value, type):
            if value.__module__ == name:
                for member in list(vars(value).values()):
                    yield from _codes_in(member)
        else:
            yield from _codes_in(value)


def _codes_in(value: object) -> Iterator[CodeType]:
    """Yield the code of what a name is bound to, of what it wraps, and what is nested in it."""
    if isinstance(value, property):
        for part in (value.fget, value.fset):
            yield from _codes_in(part)
        return
    for _ in range(_DEPTH):
        if isinstance(value, FunctionType):
            yield from _nested(value.__code__, _DEPTH)
            value = value.__dict__.get("__wrapped__")
        elif isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        else:
            return


def _nested(code: CodeType, depth: int) -> Iterator[CodeType]:
    yield code
    if depth:
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from _nested(constant, depth - 1)

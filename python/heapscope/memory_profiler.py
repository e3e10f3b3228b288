"""What ``memory_profiler`` offers, by its names and with exact figures.

``python -m heapscope.memory_profiler SCRIPT.py`` runs a script as ``python -m memory_profiler``
does: with ``profile`` as a builtin, and the tables of all profiled functions after it. Programs
that import it see the same names. Where results differ on purpose: docs/lines.md.
"""

from __future__ import annotations

import sys

# `python -m` puts the current directory first: a file there named like a module of the standard
# library must not be what this imports.
if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False) and not sys.flags.isolated:
    del sys.path[0]

import heapscope
from heapscope import profiling
from heapscope.lines.stamps import TimeStamper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, TracebackType
    from typing import Any

    from typing_extensions import Self

    from heapscope.timeline.usage import memory_usage

__all__ = [
    "LineProfiler",
    "LogFile",
    "TimeStamper",
    "choose_backend",
    "load_ipython_extension",
    "memory_usage",
    "profile",
    "show_results",
]

__version__ = heapscope.__version__

_BACKENDS = ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc")
_INFO = 20  # logging.INFO
_MIB = float(1 << 20)


def __getattr__(name: str) -> Any:
    if name == "memory_usage":
        from heapscope.timeline.usage import memory_usage as function

        globals()[name] = function
        return function
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def profile(
    func: Any = None, stream: Any = None, precision: int = 1, backend: str = "psutil"
) -> Any:
    """Print what each line of a function did to memory, after each call: `heapscope.profile`.

    Parameters
    ----------
    func : callable, optional
        What to profile; without it a decorator is returned.
    stream : file, optional
        Where the table goes; stdout by default.
    precision : int
        Digits behind the point of MiB.
    backend : str
        Accepted: increments come from the allocator, "Mem usage" is RSS.
    """
    return heapscope.profile(func, stream=stream, precision=precision, backend=backend)


def choose_backend(new_backend: str | None = None) -> str:
    """Return the backend that is asked for; all of them are the same here.

    Raises
    ------
    KeyError
        No backend of memory_profiler has that name.
    """
    if new_backend is not None and new_backend not in _BACKENDS:
        raise KeyError(new_backend)
    return new_backend or "psutil"


class LineProfiler:
    """Counts the lines of functions until `show_results` prints them.

    Parameters
    ----------
    **kw
        ``backend``, ``include_children`` and ``max_mem`` are accepted and of no effect: lines are
        of this process, and ``heapscope lines --pdb-at`` stops in the debugger.

    Attributes
    ----------
    enable_count : int
        How many times it is enabled, as a context manager or by `enable_by_count`.
    """

    def __init__(self, **kw: Any) -> None:
        self.backend = choose_backend(kw.get("backend"))
        self.max_mem = kw.get("max_mem")
        self.enable_count = 0
        self._codes: list[CodeType] = []
        self._entered = False

    def __call__(self, func: Any = None, precision: int = 1) -> Any:  # noqa: ARG002
        """Return a function whose calls are counted; without one, a decorator."""
        if func is None:
            return self.__call__
        self.add_function(func)
        return self.wrap_function(func)

    def add_function(self, func: Any) -> None:
        """Count the lines of a function while this is enabled."""
        from heapscope import _tracker
        from heapscope.tracking import ensure_tracking

        code = profiling.code_of(func)
        if code is None:
            import warnings

            warnings.warn(f"Could not extract a code object for the object {func!r}", stacklevel=2)
            return
        if code in self._codes:
            return
        ensure_tracking()
        self._codes.append(code)
        _tracker.forget_line_profile(code)
        _tracker.profile_code(code)

    def wrap_function(self, func: Any) -> Any:
        """Return a function whose calls are counted."""
        return profiling.wrap(func, None)

    def runctx(self, cmd: Any, globals: Any, locals: Any) -> Self:  # noqa: A002
        """Run a statement, counting the lines of the functions that were added."""
        with self:
            exec(cmd, globals, locals)  # noqa: S102 - that is what is asked for
        return self

    def enable_by_count(self) -> None:
        """Enable, once more."""
        if self.enable_count == 0:
            self.enable()
        self.enable_count += 1

    def disable_by_count(self) -> None:
        """Undo one `enable_by_count`."""
        if self.enable_count > 0:
            self.enable_count -= 1
            if self.enable_count == 0:
                self.disable()

    def enable(self) -> None:
        """Count lines on this thread from now on."""
        from heapscope import _tracker
        from heapscope.tracking import ensure_tracking

        ensure_tracking()
        self._entered = _tracker.profile_enter(_NO_CODE)

    def disable(self) -> None:
        """Count no more."""
        from heapscope import _tracker

        if self._entered:
            self._entered = False
            _tracker.profile_leave(_NO_CODE, True)

    def __enter__(self) -> Self:
        self.enable_by_count()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disable_by_count()

    def figures(self) -> list[dict[str, Any]]:
        """Return the line profile so far, of functions that ran; keys are those of the JSON."""
        from heapscope import _tracker

        return [each for code in self._codes for each in _tracker.line_profile(code)]

    @property
    def code_map(self) -> _CodeMap:
        """The figures in memory_profiler's shape, for ``items()``."""
        return _CodeMap(self.figures())


def _nothing() -> None:
    """Have a code object that stands for no function."""


_NO_CODE = _nothing.__code__


class _CodeMap:
    """Figures by file: of each function its lines with (increment, usage, occurrences), in MiB."""

    def __init__(self, functions: list[dict[str, Any]]) -> None:
        self._functions = functions

    def items(self) -> Iterator[tuple[str, Iterator[tuple[int, Any]]]]:
        """Yield file names with the function's lines; those that did not run have None."""
        from heapscope.lines.source import block_of

        for function in self._functions:
            figures = {
                row["line"]: (
                    row["increment_bytes"] / _MIB,
                    row["mem_usage_bytes"] / _MIB,
                    row["occurrences"],
                )
                for row in function["lines"]
            }
            rows = block_of(function).rows
            yield function["file"], ((line, figures.get(line)) for line, _ in rows)


def show_results(prof: LineProfiler, stream: Any = None, precision: int = 1) -> None:
    """Print the tables of a profiler's functions.

    Parameters
    ----------
    prof : LineProfiler
        What was counted.
    stream : file, optional
        Where to; stdout by default.
    precision : int
        Digits behind the point of MiB.
    """
    from heapscope.lines.table import write_tables

    stream = sys.stdout if stream is None else stream
    write_tables(prof.figures(), stream.write, precision=precision)


class LogFile:
    """A stream for `profile` that hands its lines to the `logging` module.

    Parameters
    ----------
    name : str, optional
        The logger's.
    reportIncrementFlag : bool
        Hand on only lines of the table whose increment is above 0, and headings.
    """

    def __init__(self, name: str | None = None, reportIncrementFlag: bool = False) -> None:  # noqa: N803
        import logging

        self.logger = logging.getLogger(name)
        self.reportIncrementFlag = reportIncrementFlag

    def write(self, msg: str, level: int = _INFO) -> None:
        """Log a line."""
        if not self.reportIncrementFlag or _is_growing(msg):
            self.logger.log(level, msg)

    def flush(self) -> None:
        """Flush the logger's handlers."""
        for handler in self.logger.handlers:
            handler.flush()


def _is_growing(line: str) -> bool:
    """Whether a line of the table is a heading or has an increment above 0."""
    if line.startswith("Filename:") or "Line Contents" in line:
        return True
    words = line.split(None, 4)
    if len(words) < 5 or words[2] != "MiB" or not words[0].isdigit():
        return False
    try:
        return float(words[3]) > 0
    except ValueError:
        return False


def load_ipython_extension(ip: Any) -> None:
    """Give IPython ``%mprun``, ``%%mprun``, ``%memit`` and ``%%memit``."""
    load: Any = heapscope.load_ipython_extension
    load(ip)


def main() -> int:
    """Run a program, as ``python -m memory_profiler`` does; returns its exit code."""
    from heapscope.cli.memory_profiler import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

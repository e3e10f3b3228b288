"""``heapscope.profile``: what each line of a function does to memory, printed after each call.

The decorator keeps what a function is: a coroutine function stays one, a generator function too,
and so do methods of every kind. Nothing else of the program is slowed down: line events are asked
for the profiled code only, while one of its calls runs.

What is not needed before a table is printed is imported then.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from heapscope.lines.source import Stamp

__all__ = ["profile"]

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # co_flags, as in module inspect
_ITERABLE_COROUTINE = 0x100
_BACKENDS = ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc")
_TIMELINE = "HEAPSCOPE_TIMELINE"
_OFF = ("0", "no", "off", "false")

collecting = False
"""Whether `heapscope lines` runs this program: its tables are of the whole run, at its end."""


def profile(
    func: Any = None,
    *args: Any,
    stream: Any = None,
    precision: int = 1,
    backend: str | None = None,
    **kwargs: Any,
) -> Any:
    """Print what each line did to memory, after each call.

    Parameters
    ----------
    func : callable, class, property, classmethod or staticmethod, optional
        What to profile; of a class all methods of its own. Without it a decorator is returned.
    *args, **kwargs
        Where there are any, `func` is called with them, and its result returned.
    stream : file, optional
        Where the table goes; ``sys.stdout`` of the moment when it is printed, by default.
    precision : int
        Digits behind the point of MiB.
    backend : str, optional
        Accepted for memory_profiler's sake: increments come from the allocator, "Mem usage" is RSS.

    Returns
    -------
    object
        Of the kind of `func`, under the same name; or the result of the call.

    Raises
    ------
    TypeError
        `func` cannot be called.
    ValueError
        An unknown backend.
    heapscope.TrackingError
        The process cannot be tracked.

    Notes
    -----
    The table is printed after the outermost call, also when it raised; that of a generator or
    coroutine when it has ended, and that of concurrent ones when all have. Blocks are those of the
    calling thread. Increments of a function's lines sum to what its calls left behind.

    With ``HEAPSCOPE_PROFILE=0`` in the environment the function itself is returned.

    Examples
    --------
    >>> @heapscope.profile                              # doctest: +SKIP
    ... def load():
    ...     rows = [0] * 1_000_000
    ...     return rows
    >>> heapscope.profile(json.loads, text)             # doctest: +SKIP
    """
    if backend is not None and backend not in _BACKENDS:
        raise ValueError(f"no such backend: {backend!r}; there are {', '.join(_BACKENDS)}")
    if func is None:
        if args or kwargs:
            raise TypeError("profile() needs a function to call")

        def decorate(function: Any) -> Any:
            return profile(function, stream=stream, precision=precision, backend=backend)

        return decorate
    if os.environ.get("HEAPSCOPE_PROFILE", "").lower() in _OFF:
        profiled = func
    else:
        profiled = wrap(func, Printer(stream, precision))
    return profiled(*args, **kwargs) if args or kwargs else profiled


class Printer:
    """Prints the line profile of a code object when its calls have ended.

    Parameters
    ----------
    stream : file or None
        Where to; None is the standard output of that moment.
    precision : int
        Digits behind the point.
    """

    def __init__(self, stream: Any = None, precision: int = 1) -> None:
        self._stream = stream
        self._precision = precision
        self._stamps: dict[CodeType, Stamp | None] = {}

    def watch(self, code: CodeType) -> None:
        """Remember how a code object's file looks now: it was read just before."""
        from heapscope.lines.source import stamp_of

        self._stamps[code] = stamp_of(code.co_filename)

    def __call__(self, code: CodeType) -> None:
        """Print and forget; nothing where no line ran. Never raises but what interrupts."""
        from heapscope import _tracker

        try:
            functions = [each for each in _tracker.line_profile(code) if each["lines"]]
            _tracker.forget_line_profile(code)
            self._print(code, functions)
        except Exception as error:
            complain(f"the line profile of {code.co_name} was lost: {error}")

    def _print(self, code: CodeType, functions: list[dict[str, Any]]) -> None:
        from heapscope.lines.source import block_of
        from heapscope.lines.table import write_tables, writer_to

        stream = sys.stdout if self._stream is None else self._stream
        if stream is None:  # there is no standard output
            return
        write_tables(
            functions,
            writer_to(stream),
            precision=self._precision,
            block=lambda function: block_of(function, stamp=self._stamps.get(code)),
        )


def wrap(function: Any, finished: Callable[[CodeType], None] | None) -> Any:
    """Return what profiles a function, of the same kind; of a class, the class with its methods so.

    Parameters
    ----------
    function : object
        As in `profile`.
    finished : callable or None
        Called with the code object after each outermost call of it. A `Printer` is told first what
        it will print.

    Raises
    ------
    TypeError
        It cannot be called.
    """
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(wrap(function.__func__, finished))
    if isinstance(function, property):
        parts = (
            None if part is None else wrap(part, finished)
            for part in (function.fget, function.fset, function.fdel)
        )
        made: Any = type(function)
        return made(*parts, function.__doc__)
    functools = sys.modules.get("functools")
    if functools is not None and isinstance(function, functools.cached_property):
        function.func = wrap(function.func, finished)
        return function
    if isinstance(function, type):
        return _wrap_class(function, finished)
    if not callable(function):
        raise TypeError(f"profile needs something that can be called, not {function!r}")
    return _wrap_callable(function, finished)


def _wrap_class(cls: type, finished: Callable[[CodeType], None] | None) -> type:
    """Profile a class's own methods, in place: those it inherits are somebody else's."""
    functools = sys.modules.get("functools")
    kinds: tuple[type, ...] = (type(_wrap_class), staticmethod, classmethod, property)
    if functools is not None:
        kinds += (functools.cached_property,)
    for name, member in list(vars(cls).items()):
        if isinstance(member, kinds) and _has_code(member):
            setattr(cls, name, wrap(member, finished))
    return cls


def _has_code(member: Any) -> bool:
    if isinstance(member, property):
        return any(code_of(part) for part in (member.fget, member.fset, member.fdel) if part)
    return code_of(getattr(member, "__func__", getattr(member, "func", member))) is not None


def code_of(function: Any) -> CodeType | None:
    """Return the code whose lines a callable's are: the innermost's of what wraps another."""
    for _ in range(100):  # a wrapper may lead to itself
        inner = getattr(function, "__wrapped__", None)
        if inner is None:
            inner = getattr(function, "__func__", None)
        if inner is None and not hasattr(function, "__code__"):
            inner = getattr(function, "func", None)  # a partial
            if inner is None:
                inner = getattr(type(function), "__call__", None)  # noqa: B004
                if not hasattr(inner, "__code__"):
                    return None
        if inner is None or not callable(inner):
            break
        function = inner
    code = getattr(function, "__code__", None)
    return code if isinstance(code, type(code_of.__code__)) else None


def _wrap_callable(function: Any, finished: Callable[[CodeType], None] | None) -> Any:
    code = code_of(function)
    if code is None:
        from heapscope.measuring import measure

        return measure(function)
    from heapscope import _tracker
    from heapscope.tracking import ensure_tracking

    ensure_tracking()
    if collecting:
        from heapscope.lines.program import MARKED

        finished = None
        _tracker.set_metadata(f"{MARKED}{code.co_firstlineno}:{code.co_filename}", "")
    if isinstance(finished, Printer):
        finished.watch(code)
    from heapscope import stepping

    flags = _flags_of(function, code)
    if _TIMELINE in os.environ:
        from heapscope.timeline.decorator import Profile

        function = Profile()(function)  # its calls are spans of the timeline, too
    if flags & _ASYNC_GENERATOR:
        return stepping.wrap_asynchronous_generator(function, stepping.Activations(code, finished))
    if flags & _COROUTINE:
        return stepping.wrap_coroutine(function, stepping.Activations(code, finished))
    if flags & _GENERATOR:
        wrapper = stepping.wrap_generator(function, stepping.Activations(code, finished))
        if flags & _ITERABLE_COROUTINE:
            import types

            wrapper = types.coroutine(wrapper)
        return wrapper
    return _tracker.profiled(function, code, finished)


def _flags_of(function: Any, code: CodeType) -> int:
    """Return the flags of what is called: an ordinary function may wrap a generator function."""
    outer = getattr(function, "__func__", function)
    flags: int = getattr(getattr(outer, "__code__", code), "co_flags", 0)
    return flags


def complain(message: str) -> None:
    """Say one line on stderr, if there is one."""
    try:
        sys.stderr.write(f"heapscope: {message}\n")
    except (OSError, ValueError, AttributeError):
        return

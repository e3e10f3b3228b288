"""Measuring a stretch of a program: exact bytes from the allocator, time, and resident memory.

``measure`` is a context manager and a decorator. The exact figures come from the tracker, which is
started when it is not running (and then stays: docs/measure.md tells the cost); resident, virtual
and shared memory are read from the system before and after.

A measured function is metered only while it runs: what other tasks allocate while a coroutine
waits, or a caller while a generator rests, is not in its figures. The clock goes on.
"""

from __future__ import annotations

import functools
import sys
import threading
import time
from typing import overload

from heapscope.measurement import STYLES, Measurement, line
from heapscope.meters import open_meter, tracking_run
from heapscope.process_figures import read_sizes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from types import TracebackType
    from typing import Any, Literal, TextIO, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])
    Style = Literal["profiling", "before-after", "exact"]
    Threads = Literal["own", "all"]

__all__ = ["Measurement", "Measuring", "measure"]

_GENERATOR, _COROUTINE, _ITERABLE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200  # as in inspect


@overload
def measure(function: Function, /) -> Function: ...
@overload
def measure(
    label: str | None = None,
    /,
    *,
    style: Style = "profiling",
    stream: TextIO | None = None,
    quiet: bool = False,
    threads: Threads = "own",
) -> Measuring: ...
def measure(
    label: Any = None,
    /,
    *,
    style: Style = "profiling",
    stream: TextIO | None = None,
    quiet: bool = False,
    threads: Threads = "own",
) -> Any:
    """Measure a block of code, or each call of a function, and print one line about it.

    Parameters
    ----------
    label : str, optional
        The line's name; a function's own if absent. ``@measure`` without parentheses works too.
    style : {"profiling", "before-after", "exact"}
        The line: that of the decorators that people paste, of either kind, or exact bytes.
    stream : text file, optional
        Where the line goes; stdout if absent.
    quiet : bool
        Print nothing: the figures are in the `Measurement`.
    threads : {"own", "all"}
        Whose memory is measured: of the thread that runs the code, or of all of the process.

    Returns
    -------
    Measuring
        To enter (``with … as m`` gives the `Measurement`) or to decorate with. A decorated
        function has the `Measurement` of its last call as ``function.measurement``.

    Examples
    --------
    >>> with heapscope.measure("load") as m:  # doctest: +SKIP
    ...     table = load()
    Profiling:               <load>  RSS:   5.07MB | VMS:   4.91MB | SHR  73.73kB | time:  89.99ms
    >>> m.net_bytes, m.peak_bytes  # doctest: +SKIP
    (4719616, 4790208)
    """
    if style not in STYLES:
        raise ValueError(f"style is one of {', '.join(map(repr, STYLES))}, not {style!r}")
    if threads not in ("own", "all"):
        raise ValueError(f"threads is 'own' or 'all', not {threads!r}")
    named = label is None or isinstance(label, str)
    sessions = _Sessions(label if named and label else "block", style, stream, quiet, threads)
    made = Measuring(label if named else None, sessions)
    return made if named else made(label)


class _Entrance:
    """The ``__enter__`` of a class that hands out a bound method which its instance keeps.

    An ordinary one is bound when a ``with`` begins and that object freed when it returns: by then
    the meter runs, and those 64 bytes would be in the figures of every block.
    """

    def __get__(self, instance: Measuring | None, owner: type) -> Callable[..., Measurement]:
        return self if instance is None else instance._enter

    def __call__(self, instance: Measuring) -> Measurement:
        return instance._enter()


class Measuring:
    """What `measure` returns: enter it, or decorate a function with it, as often as you like."""

    __enter__ = _Entrance()

    def __init__(self, label: str | None, sessions: _Sessions) -> None:
        self._label = label
        self._sessions = sessions
        self._enter = self._sessions.enter

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sessions.leave()

    def __call__(self, function: Function) -> Function:
        """Return a function whose every call is measured."""
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self(function.__func__))
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"measure decorates functions and methods, not {function!r}")
        flags: int = getattr(getattr(function, "__code__", None), "co_flags", 0)
        label = self._label or str(getattr(function, "__name__", type(function).__name__))
        wrapper: Any
        if flags & _ASYNC_GENERATOR:
            wrapper = self._around_async_generator(function, label)
        elif flags & _COROUTINE:
            wrapper = self._around_coroutine(function, label)
        elif flags & _GENERATOR:
            wrapper = self._around_generator(function, label)
            if flags & _ITERABLE:
                import types

                wrapper = types.coroutine(wrapper)
        else:
            wrapper = self._around_function(function, label)
        functools.update_wrapper(wrapper, function)
        wrapper.measurement = None
        return wrapper  # type: ignore[no-any-return]

    def _around_function(self, function: Callable[..., Any], label: str) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            session = self._sessions.open(label)
            session.go_on()
            try:
                if kwargs:
                    return function(*args, **kwargs)
                return function(*args)
            finally:
                session.rest()
                self._sessions.finish(session, wrapper)

        return wrapper

    def _around_generator(self, function: Callable[..., Any], label: str) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            session = self._sessions.open(label)
            try:
                return (yield from _step(session, function(*args, **kwargs)))
            finally:
                self._sessions.finish(session, wrapper)

        return wrapper

    def _around_coroutine(self, function: Callable[..., Any], label: str) -> Any:
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            session = self._sessions.open(label)
            try:
                return await _Steps(session, function(*args, **kwargs))
            finally:
                self._sessions.finish(session, wrapper)

        return wrapper

    def _around_async_generator(self, function: Callable[..., Any], label: str) -> Any:
        async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            session = self._sessions.open(label)
            generator = function(*args, **kwargs)
            advance, value = generator.asend, None
            try:
                while True:
                    try:
                        item = await _Steps(session, advance(value))
                    except StopAsyncIteration:
                        return
                    try:
                        value = yield item
                        advance = generator.asend
                    except GeneratorExit:
                        await _Steps(session, generator.aclose())
                        raise
                    except BaseException as error:
                        advance, value = generator.athrow, error
            finally:
                self._sessions.finish(session, wrapper)

        return wrapper


class _Sessions:
    """How the sessions of one `Measuring` are made and told of, and those that are open."""

    def __init__(
        self, label: str, style: str, stream: TextIO | None, quiet: bool, threads: str
    ) -> None:
        self._metered = threads
        self._style = style
        self._stream = stream
        self._quiet = quiet
        self._label = label
        self._threads = threading.local()

    def enter(self) -> Measurement:
        session = self.open(self._label)
        # No exception here: it would leave a frame object that is freed in the measured code.
        entered = getattr(self._threads, "entered", None)
        if entered is None:
            entered = self._threads.entered = []
        entered.append(session)
        session.go_on()
        return session.measurement

    def leave(self) -> None:
        session = self._threads.entered[-1]
        session.rest()
        self._threads.entered.pop()
        self.finish(session)

    def open(self, label: str) -> _Session:
        session = _Session(label, self._metered)
        session.begin()
        return session

    def finish(self, session: _Session, wrapper: Any = None) -> None:
        session.end()
        if wrapper is not None:
            wrapper.measurement = session.measurement
        if self._quiet:
            return
        stream = sys.stdout if self._stream is None else self._stream
        if stream is not None:  # a program without a console has no stdout
            stream.write(line(session.measurement, self._style) + "\n")


def _begin_span(label: str) -> int:
    """Begin a span in the capture, where there is a tracker."""
    from heapscope import _tracker

    return _tracker.span_begin(label)


def _end_span(span: int) -> None:
    from heapscope import _tracker

    _tracker.span_end(span)


class _Session:
    """One measurement while it is made: a stretch of time, metered in one or more pieces."""

    __slots__ = (
        "_before", "_meter", "_metered", "_peak", "_run", "_span", "_started", "measurement",
    )  # fmt: skip

    def __init__(self, label: str, threads: str) -> None:
        self.measurement = Measurement(label)
        self._meter = open_meter(threads)
        self._run = tracking_run()
        self._metered = (0, 0, 0, 0)
        self._peak = 0

    def begin(self) -> None:
        """Note what the process has and the time."""
        self._before = read_sizes()
        self._span = 0 if self._meter is None else _begin_span(self.measurement.label)
        self._started = time.perf_counter_ns()

    def go_on(self) -> None:
        """Meter from here. What comes between this and `rest` is the measured code's own."""
        if self._meter is not None:
            self._meter.start()

    def rest(self) -> None:
        """Stop metering, for now or for good."""
        if self._meter is None:
            return
        try:
            reading = self._meter.stop()
        except RuntimeError:  # another thread's, or tracking was stopped: unknown, not 0
            self._meter = None
            return
        allocated, freed, allocations, frees = self._metered
        self._peak = max(self._peak, allocated - freed + reading.peak_bytes)
        self._metered = (
            allocated + reading.allocated_bytes,
            freed + reading.freed_bytes,
            allocations + reading.allocations,
            frees + reading.frees,
        )

    def end(self) -> None:
        """Fill the measurement in."""
        ended = time.perf_counter_ns()
        if self._span:
            _end_span(self._span)
        made = self.measurement
        made.elapsed_s = (ended - self._started) / 1e9
        made.note_sizes(self._before, read_sizes())
        if self._meter is not None and tracking_run() is self._run:
            made.note_blocks(*self._metered, self._peak)


class _Steps:
    """An awaitable that meters each step of another one."""

    __slots__ = ("_awaited", "_session")

    def __init__(self, session: _Session, awaited: Any) -> None:
        self._session = session
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        return _step(self._session, self._awaited)


def _step(session: _Session, generator: Any) -> Generator[Any, Any, Any]:
    """Run a generator or a coroutine to its end, metered while it runs and not while it waits."""
    advance, value = generator.send, None
    while True:
        ended = False
        session.go_on()
        try:
            produced = advance(value)
        except StopIteration as stop:
            produced, ended = stop.value, True
        except BaseException:
            session.rest()
            raise
        session.rest()
        if ended:
            return produced
        try:
            value = yield produced
            advance = generator.send
        except GeneratorExit:
            session.go_on()
            try:
                generator.close()
            finally:
                session.rest()
            raise
        except BaseException as error:
            advance, value = generator.throw, error

# ruff: noqa: PTH100, PTH108, PTH118
# Pathlib is not loaded into a program that does not use it.
"""Tracking from inside a program: ``track``, ``start``, ``stop``, ``is_tracing``.

The process is tracked as a whole: every thread, from the moment tracking starts to the moment it
stops. One capture is written at a time. Blocks allocated before are seen only when they are freed.

A capture written from inside is left in the form the tracker writes, which every reader takes:
sealing it (making it small) needs the analysis, which has no business in the program. The first
``heapscope`` verb that reads it seals it.

Source: DESIGN.md's sections *Tracker* and *Sealing* are summed up in docs/run.md.
"""

from __future__ import annotations

import atexit
import functools
import os
import threading

from heapscope.errors import TrackingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Any, TypeVar

    from typing_extensions import Self

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["Tracking", "is_tracing", "start", "stop", "track"]

_MOST_FRAMES = 65_535  # of a traceback, as in tracemalloc
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # co_flags, as in module inspect


class Recording:
    """The capture that this process is writing, from its start to its stop."""

    def __init__(self, path: str, *, started: bool, temporary: bool) -> None:
        self.path = path
        self.started = started
        self.temporary = temporary
        self.process = os.getpid()


_lock = threading.Lock()
_recording: Recording | None = None
_nframe: int | None = None  # what the last start() in tracemalloc's shape was told
_tracing = False  # that start() was not stopped


def track(path: str | os.PathLike[str], *, overwrite: bool = False) -> Tracking:
    """Track a block of code, or the calls of a function, into one capture.

    Parameters
    ----------
    path : str or os.PathLike
        The capture, usually ``NAME.hscope``.
    overwrite : bool
        Replace an existing file; otherwise it is an error.

    Returns
    -------
    Tracking
        A context manager that is also a decorator.

    Raises
    ------
    TrackingError
        On entry: the process is tracked already (nested use, or the program runs under
        ``heapscope run``), or it cannot be tracked.
    OSError
        On entry: the capture cannot be made; FileExistsError when it exists.

    Notes
    -----
    As a decorator it tracks each call, so a function that is called more than once needs
    ``overwrite=True``, and the capture is then that of the last call. An ``async def`` function is
    tracked from its first step to its result, and a generator from its first ``next`` to its end:
    with them everything else that the process allocates in the meantime is in the capture too,
    because tracking is the process's. Asynchronous generators are refused with TypeError.

    Examples
    --------
    >>> with heapscope.track("load.hscope") as tracking:  # doctest: +SKIP
    ...     load()
    >>> heapscope.Capture(tracking.path).peak_bytes  # doctest: +SKIP
    """
    return Tracking(os.fspath(path), overwrite=overwrite)


class Tracking:
    """What `track` returns: enter it, or decorate a function with it.

    Attributes
    ----------
    path : str
        The capture, absolute once tracking has begun.
    """

    def __init__(self, path: str, *, overwrite: bool = False) -> None:
        self.path = path
        self._overwrite = overwrite
        self._recording: Recording | None = None

    def __enter__(self) -> Self:
        self._recording = _begin(self.path, overwrite=self._overwrite)
        self.path = self._recording.path
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recording, self._recording = self._recording, None
        if recording is not None:
            _end(recording)

    def __call__(self, function: Function) -> Function:
        """Return a function that is tracked whenever it is called."""
        code = getattr(function, "__code__", None)
        flags: int = getattr(code, "co_flags", 0)
        wrapper: Any
        if flags & _ASYNC_GENERATOR:
            raise TypeError(
                "track cannot decorate an asynchronous generator: use `with track(…)` around the "
                "loop that consumes it"
            )
        if flags & _COROUTINE:

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self._once():
                    return await function(*args, **kwargs)

        elif flags & _GENERATOR:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
                with self._once():
                    return (yield from function(*args, **kwargs))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self._once():
                    return function(*args, **kwargs)

        return wrapper  # type: ignore[no-any-return]

    def _once(self) -> Tracking:
        return Tracking(self.path, overwrite=self._overwrite)


def start(
    output: str | os.PathLike[str] | int | None = None,
    *,
    overwrite: bool = False,
    snapshot_at: str | int | None = None,
    pdb_at: str | int | None = None,
) -> None:
    """Start tracking this process.

    Parameters
    ----------
    output : str, os.PathLike or int, optional
        The capture. Without it tracking works the same, but no file is left after `stop`; one that
        is killed leaves ``heapscope-*.hscope`` in the temporary directory. An integer is
        tracemalloc's number of frames, 1 to 65,535: stacks are recorded whole whatever it says, and
        the tracebacks of `take_snapshot` are cut to it. Without any argument it is 1, as there.
    overwrite : bool
        Replace an existing file; otherwise it is an error.
    snapshot_at : str or int, optional
        A size like ``"500MiB"``, or bytes: when the heap or RSS passes it, once, a capture of that
        moment is written beside `output` (``NAME.at-500MiB.hscope``) and the program goes on.
    pdb_at : str or int, optional
        Likewise, but the program stops in pdb.

    Raises
    ------
    TrackingError
        The process is tracked already, or it cannot be tracked.
    OSError
        The capture cannot be made; FileExistsError when it exists.
    ValueError
        A number of frames below 1 or above 65,535, no size, or a snapshot of a capture that leaves
        no file.

    Notes
    -----
    What is not stopped is stopped when the interpreter exits, after the program's own atexit
    functions that were registered later.

    Without a capture it is tracemalloc's `start`: nothing happens when that was called already, and
    in a process that is recorded by other means (``heapscope run``) the recording goes on, and
    snapshots begin here.
    """
    nframe = None
    if output is None or isinstance(output, int):
        nframe = 1 if output is None else check_nframe(output)
        output = None
    limits = _limits_of(output, snapshot_at, pdb_at, overwrite=overwrite)
    if nframe is not None:
        _start_traces(nframe, limits)
        return
    recording = _begin(os.fspath(output), overwrite=overwrite, started=True)  # type: ignore[arg-type]
    atexit.register(_end, recording)
    if limits is not None:
        limits(recording.path)


def _limits_of(
    output: str | os.PathLike[str] | None,
    snapshot_at: str | int | None,
    pdb_at: str | int | None,
    *,
    overwrite: bool,
) -> Callable[[str], None] | None:
    """Return what sets the limits of a capture once it is recorded; None where there are none."""
    if snapshot_at is None and pdb_at is None:
        return None
    from heapscope import limits

    sizes = [None if limit is None else limits.size_of(limit) for limit in (snapshot_at, pdb_at)]
    if sizes[0] is not None:
        if output is None:
            raise ValueError("a snapshot needs a capture that stays: start(output, snapshot_at=…)")
        place = limits.snapshot_path(os.path.abspath(os.fspath(output)), sizes[0])
        if not overwrite and os.path.lexists(place):
            raise FileExistsError(17, "the snapshot exists (overwrite=True replaces it)", place)
    debugger = None if sizes[1] is None else limits.load_debugger()
    return lambda path: limits.watch(path, sizes[0], sizes[1], debugger)


def _start_traces(nframe: int, limits: Callable[[str], None] | None) -> None:
    global _nframe, _tracing
    _load_traces()  # now, so that their first use is not a part of what is traced
    from heapscope import _tracker

    if not _tracker.is_tracing():
        _tracing = False
        recording = _begin(_temporary_path(), started=True, temporary=True)
        atexit.register(_end, recording)
        if limits is not None:
            limits(recording.path)
    elif limits is not None:
        raise TrackingError(_why_busy())
    if not _tracing:
        _nframe, _tracing = nframe, True
        _tracker.clear_traces()


def check_nframe(nframe: int) -> int:
    """Return a number of frames; ValueError when tracemalloc would refuse it."""
    if not 1 <= nframe <= _MOST_FRAMES:
        raise ValueError(
            f"the number of frames must be at least 1 and at most {_MOST_FRAMES}, not {nframe}"
        )
    return nframe


def traceback_limit() -> int:
    """Return how many frames tracebacks are cut to."""
    if _nframe is None or (not _tracing and is_tracing()):
        return _MOST_FRAMES if is_tracing() else 1
    return _nframe


def _load_traces() -> None:
    import heapscope

    try:
        from heapscope import traces
    except ImportError as error:
        raise TrackingError(f"this process cannot be tracked: {error}") from error
    for name in traces.__all__:
        if name in heapscope.__all__:
            getattr(heapscope, name)


def stop() -> None:
    """Stop what `start` started.

    Nothing happens when nothing was started, in a forked child, and where `track` or
    ``heapscope run`` records the process.
    """
    global _tracing
    _tracing = False
    recording = _recording
    if recording is not None and recording.started:
        _end(recording)


def is_tracing() -> bool:
    """Whether this process is being tracked, by whichever means."""
    from heapscope import _tracker

    return _tracker.is_tracing()


def ensure_tracking() -> None:
    """Track this process from now on, unless it is tracked already: what meters and lines need.

    The capture leaves no file. It is quiet, and fast when tracking is on; in a forked child, which
    is not tracked, it starts tracking anew. What it starts ends with the interpreter, or by `stop`.

    Raises
    ------
    TrackingError
        The process cannot be tracked.
    """
    from heapscope import _tracker

    if _tracker.is_tracing():
        return
    try:
        atexit.register(_end, _begin(_temporary_path(), started=True, temporary=True))
    except TrackingError:
        if not _tracker.is_tracing():  # another thread was faster
            raise
    except OSError as error:
        raise TrackingError(f"this process cannot be tracked: {error}") from error


def track_meanwhile() -> Callable[[], None]:
    """Track this process, unless it is tracked or cannot be, and return what ends that again.

    The capture leaves no file.
    """
    from heapscope import _tracker

    if not _tracker.is_tracing():
        try:
            return functools.partial(_end, _begin(_temporary_path(), temporary=True))
        except (TrackingError, OSError):
            pass
    return _nothing


def _nothing() -> None:
    """What was tracked already goes on being so."""


def _begin(
    path: str, *, overwrite: bool = False, started: bool = False, temporary: bool = False
) -> Recording:
    global _recording
    try:
        from heapscope import _tracker, metadata
    except ImportError as error:
        raise TrackingError(f"this process cannot be tracked: {error}") from error

    with _lock:
        if _tracker.is_tracing():
            raise TrackingError(_why_busy())
        path = os.path.abspath(path)
        described = metadata.describe_process()
        recording = Recording(path, started=started, temporary=temporary)
        try:
            _tracker.start(path, overwrite=overwrite)
        except RuntimeError as error:
            raise TrackingError(f"this process cannot be tracked: {error}") from error
        except OSError as error:
            reason = error.strerror
            if isinstance(error, FileExistsError):
                reason = "the capture exists (overwrite=True replaces it)"
            raise OSError(error.errno, reason, path) from None
        _recording = recording
        for key, value in described.items():
            _tracker.set_metadata(key, value)
        return recording


def _end(recording: Recording) -> None:
    """End a recording; a no-op when it has ended, and in a forked child, which does not own it."""
    global _recording
    from heapscope import _tracker, metadata

    if recording.process != os.getpid():
        return
    with _lock:
        if _recording is not recording:
            return
        _recording = None
        _tracker.stop(metadata.name_threads)
        if recording.temporary:
            os.unlink(recording.path)
    atexit.unregister(_end)


def _why_busy() -> str:
    if _recording is None:
        return "this process is recorded by `heapscope run` already: one capture at a time"
    if _recording.temporary:
        return "tracking was started already: call heapscope.stop() first"
    return f"this process is tracked into {_recording.path} already: one capture at a time"


def _temporary_path() -> str:
    # As tempfile does, which would load eight modules into the program.
    directory = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    return os.path.join(directory, f"heapscope-{os.getpid()}-{os.urandom(8).hex()}.hscope")

"""The program's side of a timeline: spans of functions, and marks, as lines of its .dat file.

``heapscope timeline run`` and ``heapscope mprof run`` tell every process of the program through
``HEAPSCOPE_TIMELINE`` where to write: ``OPTIONS:OFFSET:PATH``. OFFSET, in nanoseconds, added to
CLOCK_MONOTONIC is the clock of the samples, so spans, marks and samples share one clock that nobody
sets. Options: ``p`` puts `profile` into the builtins (module decorator).

A line is one write to a file opened for appending, so those of threads and processes do not mix,
and no descriptor stays open. Without the variable everything here does nothing. A span costs some
30 us; of the 1,000th call of a function on, calls shorter than 10 ms are counted and not written,
at about a microsecond each.

Lines, where times are seconds since the epoch and sizes are RSS in MiB:
``ENTER name size time level pid tid`` when a span begins,
``FUNC name size time size time level pid tid`` when it has ended (mprof reads the first six),
``SKIP name calls seconds pid`` for calls that were only counted,
``MARK time pid tid label``.
"""

from __future__ import annotations

import _thread
import os
import time

VARIABLE = "HEAPSCOPE_TIMELINE"

_MOST_WRITTEN = 1000  # spans of one function that are written however short they are
_LONG_NS = 10_000_000
_FRESH_NS = 1_000_000
_TELL_NS = 1_000_000_000
_MOST_LETTERS = 400
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 1048576


class Span:
    """One call that has begun; for `end`."""

    __slots__ = ("level", "name", "process", "size", "started_ns", "written")

    def __init__(self, name: str, started_ns: int, size: float, level: int, written: bool) -> None:
        self.name = name
        self.started_ns = started_ns
        self.size = size
        self.level = level
        self.written = written
        self.process = os.getpid()


class _PerThread(_thread._local):
    depth = 0
    size = 0.0
    size_at_ns = 0


class _Skipped:
    """The calls of one function that were counted only."""

    __slots__ = ("calls", "nanoseconds", "told_ns")

    def __init__(self) -> None:
        self.calls = 0
        self.nanoseconds = 0
        self.told_ns = 0


class _Target:
    """Where lines go."""

    def __init__(self, path: str, offset_ns: int) -> None:
        self.path = path
        self.offset_ns = offset_ns
        self.process = os.getpid()
        self.begun: dict[str, int] = {}
        self.skipped: dict[str, _Skipped] = {}
        self.thread = _PerThread()


def _target_of(request: str) -> _Target | None:
    _, _, rest = request.partition(":")
    offset, _, path = rest.partition(":")
    if not path or not offset.lstrip("-").isdigit():
        return None
    return _Target(path, int(offset))


_target = _target_of(os.environ.get(VARIABLE, ""))


def is_recorded() -> bool:
    """Whether there is a timeline to write to: if not, `begin` returns None at once."""
    return _target is not None


def begin(name: str) -> Span | None:
    """Begin a span on this thread.

    Parameters
    ----------
    name : str
        As `name_of` gives it: module and qualified name.

    Returns
    -------
    Span or None
        For `end`; None where no timeline is recorded.
    """
    target = _target
    if target is None:
        return None
    if target.process != os.getpid():
        _begin_again(target)
    thread = target.thread
    level = thread.depth
    thread.depth = level + 1
    begun = target.begun[name] = target.begun.get(name, 0) + 1
    now = time.monotonic_ns()
    size = _size(thread, now, _FRESH_NS if begun > _MOST_WRITTEN else 0)
    written = begun <= _MOST_WRITTEN
    span = Span(name, now, size, level, written)
    if written:
        _write(target, f"ENTER {_word(name)} {_point(target, size, now)} {level} {_here()}")
    return span


def end(span: Span | None) -> None:
    """End a span; of another process, as after a fork, or None: nothing happens."""
    target = _target
    if span is None or target is None or span.process != os.getpid():
        return
    thread = target.thread
    thread.depth = max(thread.depth - 1, 0)
    now = time.monotonic_ns()
    if not span.written and now - span.started_ns < _LONG_NS:
        _skip(target, span, now)
        return
    before = _point(target, span.size, span.started_ns)
    after = _point(target, _size(thread, now, 0), now)
    _write(target, f"FUNC {_word(span.name)} {before} {after} {span.level} {_here()}")


def mark(label: str) -> None:
    """Name this moment."""
    target = _target
    if target is not None:
        at = _seconds(target, time.monotonic_ns())
        _write(target, f"MARK {at} {_here()} {_line(label)}")


def name_of(function: object) -> str:
    """Return a function's name in a timeline: ``module.Class.method``."""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    module = getattr(function, "__module__", None)
    name = str(name or type(function).__qualname__)
    return f"{module}.{name}" if module else name


def _begin_again(target: _Target) -> None:
    """Forget what the parent of a forked process counted."""
    target.process = os.getpid()
    target.begun.clear()
    target.skipped.clear()
    target.thread.depth = 0


def _skip(target: _Target, span: Span, now: int) -> None:
    skipped = target.skipped.get(span.name)
    if skipped is None:
        skipped = target.skipped.setdefault(span.name, _Skipped())
        if len(target.skipped) == 1:
            import atexit

            atexit.register(_tell_skipped)
    skipped.calls += 1
    skipped.nanoseconds += now - span.started_ns
    if now - skipped.told_ns > _TELL_NS:
        _tell(target, span.name, skipped, now)


def _tell_skipped() -> None:
    target = _target
    if target is None or target.process != os.getpid():
        return
    for name, skipped in list(target.skipped.items()):
        _tell(target, name, skipped, 0)


def _tell(target: _Target, name: str, skipped: _Skipped, now: int) -> None:
    calls, nanoseconds = skipped.calls, skipped.nanoseconds
    skipped.calls = skipped.nanoseconds = 0
    skipped.told_ns = now
    if calls:
        _write(target, f"SKIP {_word(name)} {calls} {nanoseconds / 1e9:.6f} {os.getpid()}")


def _size(thread: _PerThread, now: int, fresh_ns: int) -> float:
    """Return RSS in MiB, no older than so many nanoseconds."""
    if now - thread.size_at_ns >= fresh_ns:
        try:
            file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
            try:
                thread.size = int(os.read(file, 256).split(b" ", 2)[1]) * _PAGE_MIB
            finally:
                os.close(file)
        except (OSError, ValueError, IndexError):
            pass
        thread.size_at_ns = now
    return thread.size


def _point(target: _Target, size: float, at_ns: int) -> str:
    return f"{size:.4f} {_seconds(target, at_ns)}"


def _seconds(target: _Target, at_ns: int) -> str:
    """Write a time exactly: a float would be good for this, but not for its arithmetic."""
    tenths = (at_ns + target.offset_ns + 50_000) // 100_000
    return f"{tenths // 10_000}.{tenths % 10_000:04}"


def _here() -> str:
    return f"{os.getpid()} {_thread.get_native_id()}"


def _word(name: str) -> str:
    """Make a name one word of a line."""
    return "_".join(_line(name).split()) or "_"


def _line(text: str) -> str:
    """Keep text on one line, printable, and short enough for one write."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    if len(shown) > _MOST_LETTERS:
        shown = shown[: _MOST_LETTERS - 1] + "…"
    return shown


def _write(target: _Target, line: str) -> None:
    """Append a line; a file that has gone or cannot be written is not the program's concern."""
    try:
        file = os.open(target.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(file, line.encode("utf-8", "backslashreplace") + b"\n")
        finally:
            os.close(file)
    except OSError:
        pass

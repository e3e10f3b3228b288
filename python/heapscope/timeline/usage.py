"""``heapscope.memory_usage``: the memory of a function or a process while it runs, in MiB.

Parameters and results are those of memory_profiler's function of that name. What differs on
purpose: a function is called once, however short it is (memory_profiler calls it again until it has
five samples); a maximum between two samples is seen; the watching process is not counted as a
child; when the function fails no child of this process is killed.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from typing import Any, NamedTuple

from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from heapscope.timeline.watcher import Samples

_MIB = 1048576.0
_METRICS = {None: "rss", "psutil": "rss", "posix": "rss", "psutil_pss": "pss", "psutil_uss": "uss"}


class _Asked(NamedTuple):
    interval: float
    metric: str
    timestamps: bool
    include_children: bool
    multiprocess: bool
    max_usage: bool
    stream: Any


def memory_usage(
    proc: Any = -1,
    interval: float = 0.1,
    timeout: float | None = None,
    timestamps: bool = False,
    include_children: bool = False,
    multiprocess: bool = False,
    max_usage: bool = False,
    retval: bool = False,
    stream: Any = None,
    backend: str | None = None,
    max_iterations: int | None = None,  # noqa: ARG001 - memory_profiler has it
) -> Any:
    """Return the memory of a process, or of this one while a function runs.

    Parameters
    ----------
    proc : int, str, subprocess.Popen, callable or tuple
        A process by its id (-1: this one; a string of digits will do), a process as `subprocess`
        gives it, a function, ``(function, args, kwargs)`` with the last one or two left out at
        will, or a string of Python code to run.
    interval : float
        Seconds between samples.
    timeout : float, optional
        Of a process: how many seconds to watch it. Without it an id is looked at once and a
        `Popen` until it has ended.
    timestamps : bool
        Return pairs (MiB, seconds since the epoch).
    include_children : bool
        Add the memory of all descendants.
    multiprocess : bool
        Each result is a list: the process, then its descendants.
    max_usage : bool
        Return the highest only.
    retval : bool
        Of a function: return (memory, what it returned).
    stream : file, optional
        Write the lines of a .dat file there, and return None.
    backend : {"psutil", "posix", "psutil_pss", "psutil_uss"}, optional
        What is measured: RSS, PSS or USS.
    max_iterations : int, optional
        Accepted: a function is called once.

    Returns
    -------
    list of float, or float
        MiB; a number with `max_usage`.

    Raises
    ------
    ProcessLookupError
        There is no such process.
    ValueError
        No such backend, or an `interval` that is not positive.
    heapscope.HeapscopeError
        No process to watch this one can be started.

    Notes
    -----
    Whatever the function raises comes through. A function is watched from another process, so that
    C calls which hold the GIL are seen. Samples of it begin before and end after it, and a maximum
    between two is an entry of its own (`heapscope.timeline.sampler` says how it is known).

    Examples
    --------
    >>> from heapscope import memory_usage
    >>> usage, value = memory_usage((max, ([1, 2, 3],)), retval=True, max_usage=True)
    >>> usage > 1, value
    (True, 3)
    """
    if backend == "tracemalloc":
        raise ValueError("no backend tracemalloc here: heapscope.get_traced_memory() tells that")
    if backend not in _METRICS:
        raise ValueError(f"no such backend: {backend!r}")
    if not interval > 0:
        raise ValueError(f"interval must be positive, not {interval!r}")
    asked = _Asked(
        float(interval),
        _METRICS[backend],
        timestamps or stream is not None,
        include_children,
        multiprocess,
        max_usage,
        stream,
    )
    if isinstance(proc, subprocess.Popen):
        return _of_process(proc.pid, asked, timeout, proc.poll)
    if isinstance(proc, str) and proc.strip().isdigit():
        proc = int(proc)
    if isinstance(proc, int):
        return _of_process(os.getpid() if proc == -1 else proc, asked, timeout, None)
    function, arguments, named = _call_of(proc)
    samples, returned = _watched(asked, function, arguments, named)
    usage = _shaped(samples, asked, samples.highs)
    return (usage, returned) if retval else usage


def _call_of(proc: Any) -> tuple[Callable[..., Any], Sequence[Any], dict[str, Any]]:
    if isinstance(proc, str):
        return exec, (compile(proc, "<memory_usage>", "exec"), {"__name__": "__main__"}), {}
    parts: list[Any] = [proc] if callable(proc) else []
    if isinstance(proc, (tuple, list)):
        parts = list(proc)
    if not 1 <= len(parts) <= 3 or not callable(parts[0]):
        raise ValueError("proc is a process, a function, or (function, args, kwargs)")
    parts += [(), {}][len(parts) - 1 :]
    return parts[0], parts[1], parts[2]


def _watched(
    asked: _Asked, function: Callable[..., Any], arguments: Any, named: Any
) -> tuple[Samples, Any]:
    from heapscope.timeline.sampler import clock_offset_ns
    from heapscope.timeline.watcher import Watcher

    if not sys.executable:
        raise HeapscopeError("no Python to watch with: sys.executable is empty")
    try:
        watcher = Watcher(
            process=os.getpid(),
            interval=asked.interval,
            offset_ns=clock_offset_ns(),
            metric=asked.metric,
            add_children=asked.include_children,
            each_child=asked.multiprocess,
        )
    except OSError as error:
        raise HeapscopeError(f"this process cannot be watched: {error}") from None
    try:
        returned = function(*arguments, **named)
    except BaseException:
        watcher.finish()
        raise
    return watcher.finish(), returned


def _of_process(
    process: int, asked: _Asked, timeout: float | None, poll: Callable[[], object] | None
) -> Any:
    """Sample a process that is not ours to call, in this thread."""
    from heapscope.timeline.sampler import TimelineSampler, clock_offset_ns
    from heapscope.timeline.watcher import Samples

    samples = Samples()
    sampler = TimelineSampler(
        process,
        samples,
        asked.interval,
        offset_ns=clock_offset_ns(),
        metric=asked.metric,
        add_children=asked.include_children,
        each_child=asked.multiprocess,
        from_start=poll is not None,
    )
    count = math.inf if poll is not None else 1
    if timeout is not None:
        count = max(round(timeout / asked.interval), 1)
    try:
        # Of a stretch of time also what comes after its last sample, for the maximum.
        while sampler.running and sampler.samples < count + (timeout is not None):
            sampler.look()
            if poll is not None and poll() is not None:
                break
            if sampler.samples < count + (timeout is not None):
                time.sleep(min(sampler.wait_s(), asked.interval))
    finally:
        sampler.finish()
    if not samples.points and poll is None:
        raise ProcessLookupError(f"no process {process}, or it may not be looked at")
    if samples.points and len(samples.points) > count:
        samples.highs.append(samples.points.pop())
    return _shaped(samples, asked, [] if poll is None else samples.highs)


def _shaped(samples: Samples, asked: _Asked, added: list[tuple[float, float]]) -> Any:
    """Bring samples into the shape that was asked for; of highs those that are to be added."""
    if asked.stream is not None:
        asked.stream.writelines(_lines(samples))
        return None
    if asked.max_usage:
        highest = max(
            ((size / _MIB, at) for at, size in samples.points + samples.highs), default=None
        )
        if highest is None:
            return -1.0
        return highest if asked.timestamps else highest[0]
    points = sorted(samples.points + added)
    plain: list[Any] = [
        (size / _MIB, at) if asked.timestamps else size / _MIB for at, size in points
    ]
    if not asked.multiprocess:
        return plain
    of_time: dict[float, list[float]] = {}
    for at, _, size in samples.children:
        of_time.setdefault(at, []).append(size / _MIB)
    return [[one, *of_time.get(at, ())] for one, (at, _) in zip(plain, points, strict=True)]


def _lines(samples: Samples) -> Iterator[str]:
    lines = [
        (at, f"MEM {size / _MIB:.6f} {at:.4f}\n") for at, size in samples.points + samples.highs
    ]
    lines += [
        (at, f"CHLD {process} {size / _MIB:.6f} {at:.4f}\n")
        for at, process, size in samples.children
    ]
    yield from (line for _, line in sorted(lines, key=lambda pair: pair[0]))

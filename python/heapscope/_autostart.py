"""Starts the tracker in a program that `heapscope run` started.

``heapscope-run.pth`` imports this while ``site`` is being set up, before the program's first line,
and only where ``HEAPSCOPE_RUN`` is set. What it leaves behind in the program: the modules
``heapscope`` and ``heapscope._tracker`` and one atexit function, registered first so that it runs
after all others.

The variable is ``OPTIONS:PATH``. Options, parted by ``;``: ``f`` replaces an existing capture,
``snapshot-at=BYTES`` and ``pdb-at=BYTES`` are limits (module limits), ``gc=older`` and ``gc=all``
record garbage collections. In the path ``%p`` stands for the process id and ``%%`` for a per cent
sign. Under `heapscope lines` there is ``HEAPSCOPE_LINES``
too, for module lines.program, and the modules that it needs stay loaded. With ``HEAPSCOPE_HEAP``
(module _heapstart) snapshots of the heap are taken; option ``n`` then means that nothing is
recorded.
"""

from __future__ import annotations

import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE = "HEAPSCOPE_RUN"
_LINES = "HEAPSCOPE_LINES"
_HEAP = "HEAPSCOPE_HEAP"


def begin(loaded: set[str]) -> None:
    """Take the request out of the environment and start tracking; one line says if it failed.

    Parameters
    ----------
    loaded : set of str
        The modules that were loaded before this one was: the others are unloaded again.
    """
    request = os.environ.pop(VARIABLE, "")
    lines = os.environ.pop(_LINES, None)
    heap = os.environ.pop(_HEAP, None)
    try:
        _begin(request, loaded, heap)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        _complain(error)
    if lines is not None:
        _profile_lines(lines)
        loaded |= {name for name in sys.modules if name.startswith("heapscope.")}
    _leave_no_trace(loaded)


def _profile_lines(request: str) -> None:
    """Set up what `heapscope lines` asks for: the builtin `profile` is there in any case."""
    try:
        from heapscope.lines import program

        program.begin(request)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        _complain(error)


def _begin(request: str, loaded: set[str], heap: str | None) -> None:
    from heapscope import _tracker, metadata

    options, _, pattern = request.partition(":")
    words = options.split(";")
    snapshots = None
    if heap is not None:
        from heapscope import _heapstart

        snapshots = _heapstart.Snapshots(expand(heap, os.getpid()))
    if "n" in words:
        if snapshots is not None:
            atexit.register(_only_in(os.getpid(), snapshots.finish))
            snapshots.arm()
        return
    path = expand(pattern, os.getpid())
    snapshot_at, pdb_at = (_number(words, name) for name in ("snapshot-at", "pdb-at"))
    stop = None
    if pdb_at is not None:
        from heapscope import limits

        stop = limits.load_debugger()
        # These stay: pdb is to work whatever the program's path is by then.
        loaded |= {name for name in sys.modules if not name.startswith("heapscope.")}
    described = metadata.describe_process()
    process = os.getpid()
    name_threads = metadata.name_threads

    def end() -> None:
        if os.getpid() != process:  # a forked child does not own the capture
            return
        if snapshots is not None:
            snapshots.finish()
        _tracker.stop(name_threads)

    atexit.register(end)
    try:
        _tracker.start(path, overwrite="f" in words)
    except BaseException:
        atexit.unregister(end)
        raise
    for key, value in described.items():
        _tracker.set_metadata(key, value)
    if "gc=older" in words or "gc=all" in words:
        _tracker.gc_watch("gc=all" in words)
    if snapshot_at is not None or pdb_at is not None:
        from heapscope import limits

        limits.watch(path, snapshot_at, pdb_at, stop)
    if snapshots is not None:
        snapshots.arm()


def _only_in(process: int, action: Callable[[], None]) -> Callable[[], None]:
    """Return what does nothing in a forked child."""
    return lambda: action() if os.getpid() == process else None


def _number(words: list[str], name: str) -> int | None:
    for word in words:
        if word.startswith(name + "="):
            return int(word[len(name) + 1 :])
    return None


def expand(pattern: str, process: int) -> str:
    """Fill in the process id: ``%p``; ``%%`` is a per cent sign."""
    return "%".join(part.replace("%p", str(process)) for part in pattern.split("%%"))


def _complain(error: BaseException) -> None:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = f"heapscope: this program runs unrecorded: {reason}\n"
    try:  # noqa: SIM105
        os.write(2, line.encode(errors="backslashreplace"))
    except OSError:
        pass


def _leave_no_trace(loaded: set[str]) -> None:
    """Unload what was loaded only for this."""
    package = vars(sys.modules["heapscope"])
    for name in set(sys.modules) - loaded - {"heapscope", "heapscope._tracker"}:
        del sys.modules[name]
        package.pop(name.rpartition(".")[2], None)

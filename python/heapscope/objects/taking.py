"""Taking a heap snapshot of this process.

The walk comes first and everything that reads it after, so a snapshot does not hold what is needed
to look at it. This module imports nothing but the tracker when it is called.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.objects.object_set import ObjectSet
    from heapscope.objects.snapshot import Heap

__all__ = ["PACKAGE", "heap", "iso"]

PACKAGE = __file__.removesuffix("objects/taking.py")


def heap(*, fork: bool = False, native: bool = False) -> Heap:
    """Take a snapshot of this process's heap: all objects, their sizes, and who refers to whom.

    Parameters
    ----------
    fork : bool
        Walk in a copy-on-write copy of the process, so that the program stands still only while
        the kernel copies page tables. The snapshot is that of the moment of the call all the same.
    native : bool
        Also the blocks of memory that C code allocated, below the objects that own them. Known
        while tracking is on (`heapscope.start`).

    Returns
    -------
    Heap
        It prints as heapy's table.

    Raises
    ------
    HeapscopeError
        The heap of this interpreter cannot be walked, or there is not enough memory to do it.

    Notes
    -----
    No Python code runs during the walk, no object is made or changed, and the collector is not
    called: garbage in cycles is seen as such (`Heap.unreachable`). About 0.1 µs an object.

    Examples
    --------
    >>> heapscope.heap().by_type[0].count > 100  # doctest: +SKIP
    True
    """
    from heapscope import _tracker

    try:
        if fork:
            return _forked(native)
        walk = _tracker.heap_walk(native=native)
    except (RuntimeError, MemoryError, OSError) as error:
        if not _is_ours(error):
            raise
        from heapscope.errors import HeapscopeError

        raise HeapscopeError(f"no snapshot of the heap: {error}") from error
    from heapscope import _analysis
    from heapscope.objects.snapshot import Heap

    return Heap(_analysis.HeapGraph.from_walk(walk.hand_over()), live=True)


def _is_ours(error: BaseException) -> bool:
    """Whether it was raised in heapscope, not in a signal's handler that ran meanwhile."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is None or last.tb_frame.f_code.co_filename.startswith(PACKAGE)


def iso(objects: list[object]) -> ObjectSet:
    """Take a snapshot, and return the set of some objects in it.

    The list is emptied before the snapshot is taken, so that the call is not among what holds
    them; those that nothing else holds stay in it.

    Raises
    ------
    ValueError
        One of them is not there.
    """
    [here] = [sys.getrefcount(obj) for obj in [object()]]
    addresses = [id(obj) for obj in objects]
    names = [type(obj).__name__ for obj in objects]
    alone = [obj for obj in objects if sys.getrefcount(obj) <= here]
    objects.clear()
    taken = heap()
    alone.clear()
    return taken.at(addresses, names)


def _forked(native: bool) -> Heap:
    from heapscope import _tracker

    # As tempfile does, which would load eight modules into the program.
    directory = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    name = f"heapscope-{os.getpid()}-{os.urandom(8).hex()}.hsnap"
    path = os.path.join(directory, name)  # noqa: PTH118
    try:
        _tracker.heap_write(path, fork=True, native=native)
        from heapscope import _analysis
        from heapscope.objects.snapshot import Heap

        return Heap(_analysis.HeapGraph(path), live=True)
    finally:
        if os.path.lexists(path):
            os.unlink(path)  # noqa: PTH108

"""The buffers of Arrow's objects, which only the library itself can tell.

Its tables and arrays keep their data in C++ objects; ``buffers()`` of an array, a documented
function, gives them. Nothing here is loaded unless the program has loaded pyarrow.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

__all__ = ["arrow_types", "buffer_bytes", "buffer_shares"]


def arrow_types() -> tuple[type, ...]:
    """Return the classes of Arrow's objects; none where the program has not loaded it."""
    library = sys.modules.get("pyarrow.lib")
    if library is None:
        return ()
    names = ("Buffer", "Array", "ChunkedArray", "RecordBatch", "Table", "Scalar")
    found = (getattr(library, name, None) for name in names)
    return tuple(kind for kind in found if isinstance(kind, type))


def buffer_bytes(objects: Iterable[Any], counted: bytes) -> int:
    """Bytes of the memory that Arrow's objects use, each byte once.

    Parameters
    ----------
    objects : iterable
        Instances of Arrow's own classes.
    counted : bytes
        Where memory lies that Python objects own and that is counted with them: begin and end of
        each stretch, 8 bytes each.

    Returns
    -------
    int
        Bytes.
    """
    return buffer_shares([objects], counted)[0]


def buffer_shares(groups: Sequence[Iterable[Any]], counted: bytes) -> list[int]:
    """As `buffer_bytes`, of each group: what several use counts for the first of them.

    Where buffers overlap in part, the one that begins first has it.
    """
    import pyarrow.lib as library

    edges = memoryview(counted).cast("Q").tolist()
    stretches = [(begin, -1, end) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    stretches += (
        (buffer.address, group, buffer.address + buffer.size)
        for group, objects in enumerate(groups)
        for held in objects
        for buffer in _buffers(library, held)
        if buffer.is_cpu
    )
    shares = [0] * len(groups)
    covered_to = 0
    for begin, group, end in sorted(stretches):  # what is counted is before what begins with it
        if group >= 0:
            shares[group] += max(0, end - max(begin, covered_to))
        covered_to = max(end, covered_to)
    return shares


def _buffers(library: Any, held: Any) -> Iterator[Any]:
    if isinstance(held, library.Buffer):
        yield _whole(held)
    elif isinstance(held, library.Array):
        yield from (_whole(buffer) for buffer in library.Array.buffers(held) if buffer is not None)
        if isinstance(held, library.DictionaryArray):
            yield from _buffers(library, held.dictionary)
    elif isinstance(held, library.ChunkedArray):
        for chunk in held.chunks:
            yield from _buffers(library, chunk)
    elif isinstance(held, (library.RecordBatch, library.Table)):
        for column in held.columns:
            yield from _buffers(library, column)


def _whole(buffer: Any) -> Any:
    """The buffer that a slice is of: its owner is whom the bytes count for."""
    while buffer.parent is not None:
        buffer = buffer.parent
    return buffer

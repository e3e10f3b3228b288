"""The buffers of Arrow's objects, which only the library itself can tell.

Its tables and arrays keep their data in C++ objects; ``buffers()`` of an array, a documented
function, gives them. Nothing here is loaded unless the program has loaded pyarrow.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

__all__ = ["buffer_bytes"]


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
    import pyarrow.lib as library

    edges = memoryview(counted).cast("Q").tolist()
    stretches = [(begin, end, False) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    stretches += (
        (buffer.address, buffer.address + buffer.size, True)
        for held in objects
        for buffer in _buffers(library, held)
        if buffer.is_cpu
    )
    total = covered_to = 0
    for begin, end, ours in sorted(
        stretches
    ):  # of two that begin together, what is counted is first
        if ours:
            total += max(0, end - max(begin, covered_to))
        covered_to = max(end, covered_to)
    return total


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

"""How much memory beside Python objects an object owns."""

from __future__ import annotations

from heapscope import _tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from typing_extensions import Self

    Grade = Literal["exact", "dominated", "shared", "unknown"]

__all__ = ["NativeSize", "native_sizeof"]


class NativeSize(int):
    """Bytes of the memory blocks, other than Python objects, that an object owns.

    An int, the bytes, with what is known of them.

    Attributes
    ----------
    bytes : int
        The same.
    blocks : int
        How many blocks they are.
    grade : str
        ``"exact"``: the object points at the beginning of each block, and nothing else does, or
        the layout of its type is known. ``"dominated"``: some were found through other blocks or
        through a pointer into their middle; nothing outside of the object points at them.
        ``"shared"``: there are blocks that others point at too; they are not in `bytes`.
        ``"unknown"``: the layout of the type is not known, and no table of live blocks was there
        to look into (see `heapscope.start`): `bytes` may be too low.
    shared_bytes : int
        Bytes of the blocks that others point at too.
    with_objects : int
        `bytes`, and those of the Python objects that would be freed with the object.
    """

    grade: Grade
    blocks: int
    shared_bytes: int
    with_objects: int

    def __new__(  # noqa: D102
        cls,
        size: int,
        grade: Grade = "unknown",
        blocks: int = 0,
        shared_bytes: int = 0,
        with_objects: int = 0,
    ) -> Self:
        made = super().__new__(cls, size)
        made.grade = grade
        made.blocks = blocks
        made.shared_bytes = shared_bytes
        made.with_objects = with_objects
        return made

    @property
    def bytes(self) -> int:
        """The bytes, as a plain int."""
        return int(self)

    def __repr__(self) -> str:
        return f"NativeSize({int(self)}, grade={self.grade!r}, blocks={self.blocks})"


def native_sizeof(obj: object) -> NativeSize:
    """The bytes of memory blocks, other than Python objects, that an object owns.

    While the process is tracked, the memory of objects whose layout is not known is searched for
    pointers to live blocks, and so are the blocks found. Without tracking only the buffers of
    known types are counted: numpy arrays, array.array, bytearray, ctypes, anonymous mmaps.

    Parameters
    ----------
    obj : object
        Its objects count with it: what would be freed if it were.

    Returns
    -------
    NativeSize
        An int with a grade. Pointers are guessed from what memory holds, so a figure that is not
        ``exact`` is an estimate; see the table in docs/sizes.md.

    Notes
    -----
    Blocks that were allocated before tracking began, and those of libraries that bring their own
    allocator, are not seen. While tracking, a call walks the whole heap.
    """
    size, blocks, grade, shared, with_objects = _tracker.native_size((obj,))
    return NativeSize(size, grade, blocks, shared, with_objects)

"""The sizes of objects: their own, of what they hold, of what would be freed with them.

All are bytes that were asked of the allocator. Nothing of the program runs for them: no
``__sizeof__``, ``__getattr__`` or property, and no dict is made that was not there.
"""

from __future__ import annotations

from heapscope import _tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Grade = Literal["exact", "dominated", "shared", "unknown"]

__all__ = ["NativeSize", "asizeof", "deep_sizeof", "native_sizeof", "retained_sizeof", "sizeof"]


def sizeof(obj: object) -> int:
    """The bytes of one object, without what it refers to.

    Counted are its own block, with the collector's head and other headers before it; the values
    of its attributes where they are kept without a dict; and the arrays that only it can own: the
    items of a list, the table of a dict or set, the bytes of a bytearray, the data of an array.
    Keys that the dicts of a class share are charged to the class.

    Parameters
    ----------
    obj : object
        Anything.

    Returns
    -------
    int
        Bytes. Of an object whose type sizes itself in Python code, which is not run, the block.

    Examples
    --------
    >>> class Point:
    ...     def __init__(self, x, y):
    ...         self.x, self.y = x, y
    >>> heapscope.sizeof(Point(1, 2)) > sys.getsizeof(Point(1, 2))  # doctest: +SKIP
    True
    """
    return _tracker.shallow_size(obj)


def deep_sizeof(*objs: object) -> int:
    """The bytes of objects and of all that belongs to them, each object once.

    References are followed to any depth. Not entered, unless they are arguments: types, modules
    and their namespaces, functions, code, frames, and objects that live for ever (``None``, small
    ints).

    Parameters
    ----------
    *objs : object
        What several hold together counts once.

    Returns
    -------
    int
        Bytes: the sum of `sizeof` over all objects reached, and of the buffers of Arrow's.

    See Also
    --------
    retained_sizeof : leaves out what others hold too.
    """
    found_in = _arrow_types()
    if not found_in:
        return _tracker.deep_size(objs)
    size, _, _, found = _tracker.deep_figures(objs, found_in)
    if not found:
        return size
    from heapscope.objects import arrow_buffers

    return size + arrow_buffers.buffer_bytes(found)


asizeof = deep_sizeof


def retained_sizeof(*objs: object) -> int:
    """The bytes that would be freed if the objects were.

    These are the objects' own and those of all that nothing else holds, cycles included. The
    references to the objects themselves do not count, neither the caller's nor others.

    Parameters
    ----------
    *objs : object
        What only they hold together is counted.

    Returns
    -------
    int
        Bytes. What finalisers would do is not foreseen, and what is referred to by C code in a
        way that the collector cannot see counts as held by others.
    """
    return _tracker.retained_size(objs)


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

    def __new__(
        cls,
        size: int,
        grade: Grade = "unknown",
        blocks: int = 0,
        shared_bytes: int = 0,
        with_objects: int = 0,
    ) -> NativeSize:
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


def _arrow_types() -> tuple[type, ...]:
    import sys

    library = sys.modules.get("pyarrow.lib")
    if library is None:
        return ()
    names = ("Buffer", "Array", "ChunkedArray", "RecordBatch", "Table", "Scalar")
    found = (getattr(library, name, None) for name in names)
    return tuple(kind for kind in found if isinstance(kind, type))

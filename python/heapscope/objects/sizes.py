"""The sizes of objects: their own, of what they hold, of what would be freed with them.

All are bytes that were asked of the allocator. Nothing of the program runs for them: no
``__sizeof__``, ``__getattr__`` or property, and no dict is made that was not there.
"""

from __future__ import annotations

import sys

from heapscope import _tracker

__all__ = ["asizeof", "deep_sizeof", "retained_sizeof", "sizeof"]


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
    if "pyarrow.lib" not in sys.modules:
        return _tracker.deep_size(objs)
    from heapscope.objects import arrow_buffers

    found_in = arrow_buffers.arrow_types()
    size, _, _, found, counted = _tracker.deep_figures(objs, found_in)
    return size + arrow_buffers.buffer_bytes(found, counted)


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
        way that the collector cannot see counts as held by others. Buffers of Arrow are not in
        it: who else shares them only Arrow's own pointers know. While the process is tracked
        ``native_sizeof(obj).with_objects`` has those that nothing else points at.
    """
    return _tracker.retained_size(objs)

"""Kinds of objects, each with a way to build one, for tests of sizes.

A builder leaves nothing behind but what it returns, and asks the allocator for all of that: no
caches, and no objects that existed before. Run once before it is measured.
"""

from __future__ import annotations

import array
import collections
import ctypes
import dataclasses
import datetime
import fractions
import functools
import io
import itertools
import mmap
import operator
import queue
import threading
import types
import typing
import weakref
from collections.abc import Callable
from typing import Any

_numbers = itertools.count(10**6)


def fresh() -> int:
    """An int that nobody has yet."""
    return next(_numbers) + 1


class Plain:
    def __init__(self) -> None:
        self.a = 1.5 * fresh()
        self.b = [fresh()]
        self.c = None


class Many:
    def __init__(self) -> None:
        for index in range(20):
            setattr(self, f"name{index}", None)


class Slotted:
    __slots__ = ("first", "second")

    def __init__(self) -> None:
        self.first = fresh() * 1.5


class SlottedWithDict(Slotted):
    def __init__(self) -> None:
        super().__init__()
        self.t = fresh() * 2.5


class SlottedWeak:
    __slots__ = ("__weakref__", "first")


class Empty:
    pass


class Numbers(list[Any]):
    pass


class Texts(str):
    pass


class Table(dict[Any, Any]):
    pass


class Group(set[Any]):
    pass


class Pair(tuple[Any, ...]):
    pass


class Whole(int):
    pass


class Real(float):
    pass


class Raw(bytes):
    pass


class Failure(Exception):
    pass


class Node:
    def __init__(self, following: Node | None) -> None:
        self.following = following


class Point(typing.NamedTuple):
    x: float
    y: float


@dataclasses.dataclass
class Record:
    a: float
    b: list[int]


@dataclasses.dataclass
class SlottedRecord:
    __slots__ = ("a", "b")
    a: float
    b: list[int]


class Pair2(ctypes.Structure):
    _fields_ = [("a", ctypes.c_long), ("b", ctypes.c_long * 40)]


Characters = ctypes.c_char * 5000


def generator() -> Any:
    held = [fresh(), fresh() * 1.5]
    yield held
    yield None


async def coroutine() -> Any:
    return None


async def async_generator() -> Any:
    yield None


def advanced(made: Any) -> Any:
    next(made)
    return made


def closure() -> Any:
    held = [fresh()]

    def inner() -> Any:
        return held

    return inner.__closure__


def chain(length: int) -> Any:
    head = None
    for _ in range(length):
        head = Node(head)
    return head


def ring() -> Any:
    first: list[Any] = []
    second = [first, fresh()]
    first.append(second)
    return first


def appended() -> Any:
    grown: list[Any] = []
    for _ in range(1000):
        grown.append(None)
    return grown


def shortened() -> Any:
    grown: list[Any] = [None] * 1000
    del grown[700:]
    return grown


def emptied_dict() -> Any:
    table: dict[Any, Any] = {fresh(): None for _ in range(100)}
    for key in list(table)[1:]:
        del table[key]
    return table


def asked_for_dict() -> Any:
    made = Plain()
    made.__dict__
    return made


def without_attribute() -> Any:
    made = Plain()
    del made.b
    return made


def with_weak_reference() -> Any:
    made = Empty()
    return [made, weakref.ref(made)]


def with_cached_utf8() -> Any:
    text = "grün" + "ä" * 50 + str(fresh())
    function = ctypes.pythonapi.PyUnicode_AsUTF8
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.py_object]
    function(text)
    return text


def grown_bytearray() -> Any:
    grown = bytearray()
    for _ in range(1000):
        grown.append(1)
    return grown


def raised() -> Any:
    failure = Failure(fresh() * 1.5)
    failure.d = [fresh()]  # type: ignore[attr-defined]
    return failure


def ordered() -> Any:
    table: Any = collections.OrderedDict()
    for _ in range(200):
        table[fresh()] = None
    return table


def filled_queue() -> Any:
    made: Any = queue.SimpleQueue()
    return made


def written() -> Any:
    stream = io.BytesIO()
    stream.write(bytes(5000))
    return stream


KINDS: dict[str, Callable[[], Any]] = {
    "object": object,
    "int of one digit": lambda: fresh(),
    "int of two digits": lambda: fresh() << 20,
    "int of three digits": lambda: fresh() << 50,
    "negative int": lambda: -(fresh() << 20),
    "huge int": lambda: int("7" * 1000),
    "int of a subclass": lambda: Whole(fresh()),
    "float": lambda: fresh() * 1.5,
    "float of a subclass": lambda: Real(2.5),
    "complex": lambda: complex(1.5, fresh()),
    "ascii text": lambda: "x" * 100 + str(fresh()),
    "text of latin-1": lambda: "ü" * 100 + str(fresh()),
    "text of two bytes a character": lambda: "λ" * 100 + str(fresh()),
    "text of four bytes a character": lambda: "\U0001f600" * 100 + str(fresh()),
    "text with its UTF-8 kept": with_cached_utf8,
    "text of a subclass": lambda: Texts("z" * 50),
    "bytes": lambda: bytes(100),
    "bytes of a subclass": lambda: Raw(bytes(10)),
    "bytearray": lambda: bytearray(1000),
    "bytearray that grew": grown_bytearray,
    "memoryview": lambda: memoryview(bytearray(300)),
    "list": lambda: [None, None, None],
    "empty list": list,
    "list that grew": appended,
    "list that shrank": shortened,
    "list of lists": lambda: [[None], [None, []]],
    "list of numbers": lambda: [fresh() for _ in range(50)],
    "list of a subclass": lambda: Numbers([None] * 5),
    "tuple": lambda: (None, [], None),
    "long tuple": lambda: tuple([None] * 50),
    "tuple of a subclass": lambda: Pair([None, None]),
    "named tuple": lambda: Point(fresh() * 1.5, fresh() * 2.5),
    "dict of texts": lambda: {"a": None, "b": None},
    "dict of numbers": lambda: {fresh(): fresh() * 1.5 for _ in range(30)},
    "empty dict": dict,
    "dict that grew": lambda: dict.fromkeys(range(10000, 11000)),
    "dict that lost keys": emptied_dict,
    "dict from keywords": lambda: dict(a=None, b=None),  # noqa: C408
    "dict of a subclass": lambda: Table(a=None),
    "set": lambda: {"a", "b"},
    "large set": lambda: set(range(10_000, 10_500)),
    "frozenset": lambda: frozenset(["a", "b", "c"]),
    "set of a subclass": lambda: Group(["a"]),
    "instance": Plain,
    "instance without attributes": Empty,
    "instance with many attributes": Many,
    "instance that was asked for its dict": asked_for_dict,
    "instance that lost an attribute": without_attribute,
    "instance with slots": Slotted,
    "instance with slots and a dict": SlottedWithDict,
    "instance with a slot for weak references": SlottedWeak,
    "instance with a weak reference": with_weak_reference,
    "dataclass": lambda: Record(fresh() * 1.5, [fresh()]),
    "dataclass with slots": lambda: SlottedRecord(fresh() * 1.5, [fresh()]),
    "exception": raised,
    "chain of 1000": lambda: chain(1000),
    "cycle": ring,
    "deque": lambda: collections.deque([None] * 1000),
    "empty deque": lambda: collections.deque(),
    "ordered dict": ordered,
    "default dict": lambda: collections.defaultdict(None, {"a": None}),
    "counter": lambda: collections.Counter("aab"),
    "chain map": lambda: collections.ChainMap({"a": None}, {}),
    "array": lambda: array.array("d", bytes(800)),
    "range": lambda: range(fresh()),
    "slice": lambda: slice(fresh(), None),
    "list iterator": lambda: iter([None]),
    "dict view": lambda: {"a": None}.items(),
    "enumerate": lambda: enumerate([None]),
    "zip": lambda: zip([None], [None]),  # noqa: B905
    "map": lambda: map(None, [None]),  # type: ignore[call-overload]
    "reversed": lambda: reversed([None]),
    "itertools.chain": lambda: itertools.chain([None], [None]),
    "itertools.count": lambda: itertools.count(fresh()),
    "itertools.islice": lambda: itertools.islice([None], 1),
    "generator": generator,
    "generator that waits": lambda: advanced(generator()),
    "cells of a closure": closure,
    "bound method": lambda: Empty().__init__,  # type: ignore[misc]
    "method of a list": lambda: [].append,
    "partial": lambda: functools.partial(print, fresh()),
    "property": lambda: property(None),
    "namespace": lambda: types.SimpleNamespace(a=None, b=fresh()),
    "mapping proxy": lambda: types.MappingProxyType({"a": None}),
    "time delta": lambda: datetime.timedelta(5, 6),
    "date": lambda: datetime.date(2020, 1, 2),
    "date and time": lambda: datetime.datetime(2020, 1, 2, 3),
    "time of day": lambda: datetime.time(3, 4),
    "fraction": lambda: fractions.Fraction(fresh(), 7),
    "item getter": lambda: operator.itemgetter(fresh()),
    "byte stream": written,
    "simple queue": filled_queue,
    "ctypes buffer": lambda: Characters(),
    "ctypes structure": Pair2,
    "ctypes number": lambda: ctypes.c_double(1.5),
    "anonymous mapping": lambda: mmap.mmap(-1, 1 << 20),
    "lock": threading.Lock,
}

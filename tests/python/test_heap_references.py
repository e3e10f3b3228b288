"""What objects of the standard library refer to: nothing is missed, and everything has a name."""

from __future__ import annotations

import _thread
import array
import asyncio
import collections
import contextvars
import csv
import ctypes
import datetime
import decimal
import functools
import gc
import io
import itertools
import operator
import pickle
import re
import sqlite3
import struct
import sys
import time
import types
import weakref
import xml.etree.ElementTree as ElementTree
from collections import Counter
from typing import Any, NamedTuple

import pytest

from heapscope import _analysis, _tracker


class Thing:
    def method(self) -> None:
        pass


class Point(NamedTuple):
    x: Any
    y: Any


class Sequence:
    def __getitem__(self, index: int) -> int:
        return index

    def __len__(self) -> int:
        return 3


CONNECTION = sqlite3.connect(":memory:")


def function(*arguments: Any, **keywords: Any) -> Any:
    return Thing()


def advanced(iterator: Any) -> Any:
    next(iterator)
    return iterator


def things(count: int) -> Any:
    return [Thing() for _ in range(count)]


def with_variables() -> contextvars.Context:
    context = contextvars.copy_context()
    variables = [contextvars.ContextVar[Any](f"variable{number}") for number in range(60)]

    def set_all() -> None:
        for variable in variables:
            variable.set(Thing())

    context.run(set_all)
    return context


def turned() -> Any:
    made = collections.deque(things(200))
    made.rotate(77)
    made.popleft()
    return made


def teed() -> Any:
    first, second = itertools.tee(iter(things(100)))
    for _ in range(80):
        next(first)
    return [first, second]


def cached() -> Any:
    remember = functools.lru_cache(10)(function)
    remember(1)
    return remember


def tree() -> Any:
    root = ElementTree.Element("root", {"key": "value"})
    for number in range(10):
        ElementTree.SubElement(root, f"child{number}").text = f"text {number}"
    return root


def joined(kinds: dict[str, Any]) -> dict[str, Any]:
    if sys.version_info >= (3, 12):
        kinds["batched"] = lambda: itertools.batched(things(3), 2)
    return kinds


class Pair(ctypes.Structure):
    _fields_ = [("pointer", ctypes.POINTER(ctypes.c_int)), ("object", ctypes.py_object)]


KINDS: dict[str, Any] = joined(
    {
        "accumulate": lambda: advanced(itertools.accumulate(things(2), function, initial=Thing())),
        "chain": lambda: advanced(itertools.chain(things(2), things(2))),
        "combinations": lambda: advanced(itertools.combinations(things(3), 2)),
        "with replacement": lambda: advanced(itertools.combinations_with_replacement(things(3), 2)),
        "compress": lambda: itertools.compress(things(2), [1, 0]),
        "count": lambda: itertools.count(decimal.Decimal(3), decimal.Decimal(2)),
        "cycle": lambda: advanced(itertools.cycle(things(2))),
        "dropwhile": lambda: itertools.dropwhile(function, things(1)),
        "enumerate": lambda: enumerate(things(1), 10**30),
        "filter": lambda: filter(function, things(1)),
        "filterfalse": lambda: itertools.filterfalse(function, things(1)),
        "groupby": lambda: advanced(itertools.groupby(things(2), function)),
        "islice": lambda: itertools.islice(things(2), 1, 2),
        "map": lambda: map(function, things(1), things(1)),
        "pairwise": lambda: advanced(itertools.pairwise(things(3))),
        "permutations": lambda: advanced(itertools.permutations(things(2))),
        "product": lambda: advanced(itertools.product(things(2), things(2))),
        "repeat": lambda: itertools.repeat(Thing()),
        "starmap": lambda: itertools.starmap(function, [(Thing(),)]),
        "takewhile": lambda: itertools.takewhile(function, things(1)),
        "tee": teed,
        "zip": lambda: zip(things(1), things(1)),  # noqa: B905
        "zip_longest": lambda: itertools.zip_longest(things(1), things(2), fillvalue=Thing()),
        "deque": turned,
        "deque iterators": lambda: [iter(turned()), reversed(turned())],
        "iterators": lambda: [
            iter(things(1)),
            reversed(things(1)),
            iter((Thing(),)),
            iter({1: 2}),
            iter({1: 2}.values()),
            iter({1: 2}.items()),
            reversed({1: 2}),
            iter({Thing()}),
            iter("text"),
            iter("té" + "xt"),
            iter(b"bytes"),
            iter(bytearray(b"bytes")),
            iter(array.array("i", [1])),
            iter(function, Thing()),
            iter(Sequence()),
            reversed(Sequence()),
            iter(collections.OrderedDict(a=Thing())),
            struct.iter_unpack("i", b"abcd"),
        ],
        "views": lambda: [{1: 2}.keys(), {1: 2}.values(), {1: 2}.items()],
        "partial": lambda: functools.partial(function, Thing(), key=Thing()),
        "methods": lambda: [Thing().method, [].append, Thing().__eq__, "text".join],
        "property": lambda: property(function, function, function, "what it is"),
        "descriptors": lambda: [
            classmethod(function),
            staticmethod(function),
            super(Thing, Thing()),
        ],
        "sort key": lambda: functools.cmp_to_key(function)(Thing()),
        "operators": lambda: [
            operator.itemgetter(Thing(), 2),
            operator.attrgetter("a.b", "c"),
            operator.methodcaller("m", Thing(), key=Thing()),
        ],
        "types": lambda: [
            types.MappingProxyType({1: Thing()}),
            types.SimpleNamespace(a=Thing()),
            list[Thing],
            int | Thing,
            memoryview(bytearray(10)),
            pickle.PickleBuffer(bytearray(10)),
        ],
        "weak": lambda: [
            weakref.WeakValueDictionary({1: KEPT}),
            weakref.WeakSet([KEPT]),
            weakref.WeakKeyDictionary({KEPT: Thing()}),
            weakref.ref(KEPT, function),
            weakref.WeakMethod(KEPT.method),
        ],
        "patterns": lambda: [
            re.compile("(a)(?P<name>b)"),
            re.match("(a)(?P<name>b)", "ab" + "c" * 3),
            re.compile("(a)b").scanner("abab"),  # type: ignore[attr-defined]
        ],
        "context": with_variables,
        "streams": lambda: [
            io.TextIOWrapper(io.BytesIO(b"text")),
            io.BufferedRWPair(io.BytesIO(), io.BytesIO()),
            io.BytesIO(b"text").getbuffer(),
            csv.reader([Thing()]),  # type: ignore[list-item]
            csv.writer(io.StringIO()),
        ],
        "local": _thread._local,
        "elements": lambda: [tree(), iter(tree()), ElementTree.TreeBuilder()],
        "ctypes": lambda: [Pair(ctypes.pointer(ctypes.c_int(3)), ctypes.py_object(Thing()))],
        "callback": lambda: ctypes.CFUNCTYPE(None)(function),
        "struct sequences": lambda: [time.gmtime(1), sys.float_info, sys.flags],
        "sqlite3": lambda: CONNECTION.execute("select 1"),
        "future": lambda: finished(),
        "named tuple": lambda: Point(Thing(), Thing()),
    }
)
KEPT: Thing = Thing()
LOOP = asyncio.new_event_loop()


def finished() -> Any:
    future = LOOP.create_future()
    future.set_result(Thing())
    future.add_done_callback(function)
    return future


def walked() -> Any:
    walk = _tracker.heap_walk(fingerprints=False)
    try:
        return _analysis.HeapGraph.from_walk(walk.sections())
    finally:
        walk.release()


def below(made: Any) -> list[Any]:
    """What was made, to a depth at which only types and modules follow."""
    stops = (type, types.ModuleType, types.FunctionType, types.CodeType, types.FrameType)
    seen: dict[int, Any] = {id(made): made}
    waiting = [made]
    for _ in range(8):
        found = [one for each in waiting for one in gc.get_referents(each)]
        waiting = []
        for one in found:
            plain = isinstance(one, (dict, *stops)) and type(one) in (dict, *stops)
            if id(one) not in seen and not plain and not hasattr(one, "run_forever"):
                seen[id(one)] = one
                waiting.append(one)
    return list(seen.values())


@pytest.fixture(scope="session")  # a worker may leave this file and come back
def picture() -> Any:
    made = {kind: build() for kind, build in KINDS.items()}
    gc.collect()
    yield made, walked()
    LOOP.close()
    CONNECTION.close()


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_collector_sees_is_there_and_has_a_name(picture: Any, kind: str) -> None:
    everything, graph = picture
    for one in below(everything[kind]):
        (number,) = graph.at_addresses([id(one)])
        if number == 0 or graph.object(number)["address"] != id(one):
            continue  # made by looking at it
        rows = graph.references(number, 10_000, 0)["rows"]
        shown = Counter(row["id"] for row in rows)
        wanted = Counter(graph.at_addresses([id(each) for each in gc.get_referents(one)]))
        wanted.pop(0, None)
        if type(one).__name__ == "_lru_cache_wrapper":
            # It shows what its links hold, and their type, as its own.
            links = [row["id"] for row in rows if "_lru_list_elem" in row["type"]]
            for link in links:
                shown.update(row["id"] for row in graph.references(link)["rows"])
        assert not wanted - shown, type(one)
        unnamed = [row for row in rows if "<ref " in str(row["name"])]
        # A cache's links are in its dict, and in a list of their own that has no names; what a
        # metaclass of C code keeps in its types has none either.
        has_links = type(one).__name__ == "_lru_cache_wrapper"
        # A structure sequence may have fields that have no names (sys.flags of 3.13).
        assert not unnamed or has_links or isinstance(one, (type, tuple)), (type(one), unnamed)


def name_of(graph: Any, holder: Any, held: Any) -> str:
    (number,) = graph.at_addresses([id(holder)])
    (wanted,) = graph.at_addresses([id(held)])
    rows = graph.references(number, 10_000, 0)["rows"]
    return next((row["name"] for row in rows if row["id"] == wanted), "")


def test_items_of_a_deque_are_named_by_their_index(picture: Any) -> None:
    everything, graph = picture
    made = everything["deque"]
    for index in (0, 1, 60, 198):
        assert name_of(graph, made, made[index]) == f"[{index}]"


def test_children_of_an_element_are_named_by_their_index(picture: Any) -> None:
    everything, graph = picture
    root = everything["elements"][0]
    assert name_of(graph, root, root[7]) == "[7]"


def test_values_of_context_variables_have_the_names_of_the_variables(picture: Any) -> None:
    everything, graph = picture
    for variable, value in everything["context"].items():
        if variable.name.startswith("variable"):
            path = graph.path_text(*graph.at_addresses([id(value)]))
            assert path.endswith(f"[{variable.name!r}]"), path


def test_an_item_that_is_an_attribute_too_is_both() -> None:
    class Slotted(collections.deque[Any]):
        __slots__ = ("first",)
        first: Any

    class Named(collections.deque[Any]):
        pass

    slotted, named = Slotted(), Named()
    thing = Thing()
    slotted.first = thing
    slotted.append(thing)
    named.first = thing  # type: ignore[attr-defined]
    named.append(named.__dict__)
    named.append(Named)
    graph = walked()
    (number,) = graph.at_addresses([id(slotted)])
    names = [
        row["name"]
        for row in graph.references(number, 100, 0)["rows"]
        if row["id"] == graph.at_addresses([id(thing)])[0]
    ]
    assert sorted(names) == [".first", "[0]"]
    (number,) = graph.at_addresses([id(named)])
    rows = graph.references(number, 100, 0)["rows"]
    assert {"[0]", "[1]"} <= {row["name"] for row in rows}


def test_zones_and_traps_are_held_by_what_the_collector_does_not_know() -> None:
    zone = datetime.timezone(datetime.timedelta(seconds=4321), "a" + "zone")
    moments = [
        datetime.datetime(2020, 1, 1, tzinfo=zone),
        datetime.time(1, 2, tzinfo=zone),
    ]
    naive = [datetime.datetime(2020, 1, 1), datetime.time(1, 2)]
    context = decimal.Context()
    graph = walked()
    for moment in moments:
        assert name_of(graph, moment, zone) == ".tzinfo"
    for moment in naive:
        assert graph.references(*graph.at_addresses([id(moment)]), 10, 0)["total"] == 0
    (number,) = graph.at_addresses([id(zone)])
    assert graph.object(number)["held"] is None
    assert graph.object(number)["reference_count"] >= 3
    assert name_of(graph, context, context.traps) == ".traps"


def test_nothing_has_more_references_than_its_count_but_shared_keys(picture: Any) -> None:
    """Of objects of C types: a reference that is shown and not counted would be one too many."""
    made, graph = picture
    for kind, one in made.items():
        for each in below(one):
            (number,) = graph.at_addresses([id(each)])
            if number == 0 or isinstance(each, (str, int, type, type(None))):
                continue  # of literals and names: shared keys, and constants of frozen modules
            found = graph.object(number)
            if found["address"] == id(each) and found["held"] != "immortal":
                referrers = graph.referrers(number, 0, 0)["total"]
                assert referrers <= found["reference_count"], (kind, type(each))

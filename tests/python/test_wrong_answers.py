"""Answers that tools for Python's objects are known to give wrong, given right; nothing changes."""

from __future__ import annotations

import array
import ctypes
import gc
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

import heapscope
from heapscope import _tracker, tracking


class Three:
    def __init__(self) -> None:
        self.a = None
        self.b = None
        self.c = None


Characters = ctypes.c_char * 10_000


class Slots:
    __slots__ = ("__c", "a", "b")

    def __init__(self) -> None:
        self.a, self.b, self.__c = bytes(1000), bytes(1000), bytes(1000)


@pytest.fixture
def meter() -> Iterator[Any]:
    tracking.ensure_tracking()
    yield _tracker.Meter
    heapscope.stop()


def test_an_instance_counts_its_values_where_getsizeof_does_not(meter: Any) -> None:
    many = [Three() for _ in range(500)]  # the class has settled
    gc.collect()
    reading = meter()
    reading.start()
    last = Three()
    asked_for = reading.stop().net_bytes
    assert heapscope.deep_sizeof(last) == asked_for
    if sys.version_info >= (3, 11):
        assert sys.getsizeof(last) < asked_for
    assert heapscope.deep_sizeof(many) >= 500 * asked_for + heapscope.sizeof(many)


def test_a_linked_list_of_100_000_nodes_counts_to_its_end() -> None:
    head: Any = None
    for _ in range(100_000):
        head = (head, None)
    assert heapscope.deep_sizeof(head) == 100_000 * heapscope.sizeof((None, None))
    assert heapscope.retained_sizeof(head) == heapscope.deep_sizeof(head)
    while head is not None:
        head = head[0]


def test_untracked_tuples_and_dicts_are_entered() -> None:
    held = [(bytes(100_000), number) for number in range(10)]
    gc.collect()
    assert not any(map(gc.is_tracked, held))
    assert heapscope.deep_sizeof(held) > 1_000_000
    assert heapscope.deep_sizeof([{"a": bytes(100_000)}]) > 100_000


def test_what_two_hold_counts_once_for_both_and_is_retained_by_neither() -> None:
    big = bytes(1 << 20)
    one, two = [big], [big]
    del big
    assert heapscope.deep_sizeof(one) == heapscope.deep_sizeof(two) > 1 << 20
    assert heapscope.deep_sizeof(one, two) < (1 << 20) + 1000
    assert heapscope.retained_sizeof(one) == heapscope.sizeof(one)
    assert heapscope.retained_sizeof(one, two) == heapscope.deep_sizeof(one, two)


def test_every_member_of_a_cycle_retains_it_all() -> None:
    ring: list[Any] = [[number * 1.5] for number in range(50)]
    for number, member in enumerate(ring):
        member.append(ring[number - 1])
    first, last = ring[0], ring[7]
    ring.clear()
    del member
    assert heapscope.retained_sizeof(first, last) == heapscope.deep_sizeof(first)


def test_private_slots_are_entered() -> None:
    assert heapscope.deep_sizeof(Slots()) == heapscope.sizeof(Slots()) + 3 * heapscope.sizeof(
        bytes(1000)
    )


def test_immortal_objects_cost_nothing_but_when_asked_for() -> None:
    assert heapscope.deep_sizeof([None, True, 5, ""]) == heapscope.sizeof([None, True, 5, ""])
    assert heapscope.deep_sizeof(None) == heapscope.sizeof(None) > 0
    assert heapscope.retained_sizeof([None, 5]) == heapscope.sizeof([None, 5])


def test_keys_that_instances_share_are_the_class_s() -> None:
    made = [Three() for _ in range(3)]
    assert heapscope.deep_sizeof(*made) == sum(heapscope.deep_sizeof(each) for each in made)
    assert heapscope.sizeof(Three) > heapscope.sizeof(type("Bare", (), {"__slots__": ()}))


def test_classes_functions_and_modules_are_entered_only_when_asked_for() -> None:
    held = [Three, test_private_slots_are_entered, sys, types]
    assert heapscope.deep_sizeof(held) == heapscope.sizeof(held)
    assert heapscope.deep_sizeof(Three) > heapscope.sizeof(Three)
    assert heapscope.deep_sizeof(test_private_slots_are_entered) < 5000


def test_numpy_views_count_their_base_once() -> None:
    numpy = pytest.importorskip("numpy")
    base = numpy.zeros(1_000_000)
    one = heapscope.deep_sizeof(base)
    assert 8_000_000 < one < 8_000_300
    assert heapscope.sizeof(base[::2]) < 300
    assert heapscope.deep_sizeof(base[::2]) == one + heapscope.sizeof(base[::2])
    assert heapscope.deep_sizeof(base, base[:10], base[::2]) < one + 500
    assert heapscope.deep_sizeof(memoryview(base)) < one + 500


def test_an_array_of_objects_holds_them() -> None:
    numpy = pytest.importorskip("numpy")
    array_of_objects = numpy.array([bytes(1000) for _ in range(5)], dtype=object)
    assert heapscope.deep_sizeof(array_of_objects) > 5000
    assert heapscope.retained_sizeof(array_of_objects) == heapscope.deep_sizeof(array_of_objects)


def test_a_frame_of_pandas_counts_its_columns_once() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.5] * 100_000, "b": [2.5] * 100_000})
    assert 1_600_000 < heapscope.deep_sizeof(frame) < 1_620_000
    texts = pandas.Series([f"text {number}" for number in range(10_000)], dtype=object)
    assert heapscope.deep_sizeof(texts) > 10_000 * heapscope.sizeof("text 1000")


def test_arrow_s_buffers_count_once_with_and_without_their_array() -> None:
    arrow = pytest.importorskip("pyarrow")
    numpy = pytest.importorskip("numpy")
    table = arrow.table({"a": list(range(50_000))})
    size = heapscope.deep_sizeof(table)
    assert 400_000 <= size < 410_000
    assert heapscope.deep_sizeof(table, table.slice(5), table.column(0)) < size + 1000
    base = numpy.zeros(100_000)
    wrapped = arrow.array(base)
    assert heapscope.deep_sizeof(wrapped) > 800_000
    assert heapscope.deep_sizeof(wrapped, base) < 801_000


class Spy:
    """Says whether anything of it was run."""

    ran = False

    def __sizeof__(self) -> int:
        Spy.ran = True
        return 10**9

    def __getattr__(self, name: str) -> Any:
        Spy.ran = True
        raise AttributeError(name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        Spy.ran = True
        return int


def test_nothing_runs_and_nothing_changes(meter: Any) -> None:
    held = [Three() for _ in range(10)] + [Spy() for _ in range(3)]  # type: ignore[list-item]
    functions: list[Any] = [
        heapscope.sizeof,
        heapscope.deep_sizeof,
        heapscope.retained_sizeof,
        heapscope.native_sizeof,
    ]
    for function in functions:
        function(held)
    before = [sys.getrefcount(one) for one in held]
    for function in functions:
        gc.collect()
        reading = meter()
        reading.start()
        size = function(held)
        del size
        gc.collect()
        moved = reading.stop()
        assert moved.net_bytes == 0, function
    assert [sys.getrefcount(one) for one in held] == before
    assert not Spy.ran
    assert heapscope.sizeof(held[-1]) < 1000


def test_the_parts_and_the_tree_sum_to_the_deep_size() -> None:
    held = {"numbers": list(range(10**6, 10**6 + 1000)), "texts": {"a" * 50, "ü" * 50}, 3: Three()}
    found = heapscope.explain_size(held, detail=2, limit=3)
    assert found.total_bytes == heapscope.deep_sizeof(held)
    assert sum(found.parts.values()) == found.total_bytes
    for node in found.roots[0].walk():
        below = sum(child.total_bytes for child in node.children)
        assert node.bytes + below + node.hidden_bytes == node.total_bytes
        assert 1 + sum(child.objects for child in node.children) + node.hidden_objects == (
            node.objects
        )
    assert [child.name for child in found.roots[0].children][:1] == ["['numbers']"]
    assert "in 1,0" in str(found)


def test_boxed_numbers_cost_what_an_array_does_not() -> None:
    numbers = list(range(10**6, 10**6 + 10_000))
    boxed = heapscope.explain_size(numbers).parts
    flat = heapscope.explain_size(array.array("q", numbers)).parts
    assert flat["payload"] == 80_000 > flat["headers"] + flat["other"]
    assert boxed["headers"] > 5 * boxed["payload"] == 5 * 40_000
    assert boxed["pointers"] == 80_000


def test_without_tracking_only_known_layouts_are_native() -> None:
    assert not heapscope.is_tracing()
    buffer = Characters()
    size = heapscope.native_sizeof(buffer)
    assert (size, size.bytes, size.blocks, size.grade) == (10_000, 10_000, 1, "exact")
    import zlib

    assert heapscope.native_sizeof(zlib.compressobj()).grade == "unknown"


def test_while_tracking_the_blocks_behind_c_types_are_found(meter: Any) -> None:
    import bz2

    assert meter
    gc.collect()
    compressor = bz2.BZ2Compressor(5)
    size = heapscope.native_sizeof(compressor)
    # A block that a stale pointer leads to as well counts as shared.
    assert size + size.shared_bytes > 4_000_000
    assert size.grade in ("exact", "dominated", "shared")
    assert size.blocks > 1

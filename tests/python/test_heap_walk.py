"""The walk of the object heap, against what Python itself says of its objects."""

from __future__ import annotations

import gc
import sys

import pytest
import raw_heap

from heapscope import _tracker


class Record:
    def __init__(self, name):
        self.name = name
        self.items = [name, 1.5]


class Slotted:
    __slots__ = ("left", "right")
    left: str
    right: str


@pytest.fixture(scope="module")
def kept():
    slotted = Slotted()
    slotted.left = "left " * 3
    records = [Record(f"record {index}") for index in range(100)]
    return {"records": records, "slotted": slotted, (1, 2): b"bytes", 70: {"a", "b"}}


@pytest.fixture(scope="module")
def heap(kept):
    gc.collect()
    return raw_heap.from_walk(_tracker.heap_walk())


def test_every_object_that_the_collector_tracks_is_met():
    gc.collect()
    tracked = gc.get_objects()
    heap = raw_heap.from_walk(_tracker.heap_walk())
    assert [value for value in tracked if id(value) not in heap.objects] == []


def test_attributes_of_an_instance_are_named_fields(heap, kept):
    record = kept["records"][7]
    fields = heap.of(record).fields
    assert fields["__class__"] == id(Record)
    if sys.version_info >= (3, 11):
        assert (fields["name"], fields["items"]) == (id(record.name), id(record.items))
    else:
        pairs = heap.objects[fields["__dict__"]].rest
        assert pairs[1::2] == [id(record.name), id(record.items)]


def test_slots_are_named_and_an_empty_one_is_a_hole(heap, kept):
    fields = heap.of(kept["slotted"]).fields
    assert (fields["left"], fields["right"]) == (id(kept["slotted"].left), 0)


def test_list_items_keep_their_positions(heap, kept):
    items = kept["records"][0].items
    assert heap.of(items).type.tail == "items"
    assert heap.of(items).rest == [id(items[0]), id(items[1])]


def test_a_dictionary_is_pairs_in_its_order_and_its_keys_have_texts(heap, kept):
    entry = heap.of(kept)
    assert entry.type.tail == "pairs"
    assert entry.rest == [id(value) for pair in kept.items() for value in pair]
    keys = list(kept)
    assert heap.keys[id(keys[0])][:2] == ("records", 0)
    assert heap.keys[id(keys[3])][:2] == ("70", 2)


def test_set_members_are_met(heap, kept):
    assert set(heap.of(kept[70]).rest) == {id(value) for value in kept[70]}


def test_sizes_of_plain_containers_are_getsizeofs(heap, kept):
    for value in (kept, kept["records"], kept[(1, 2)], kept[70], (1, 2)):
        if id(value) in heap.objects:
            assert heap.of(value).size == sys.getsizeof(value)


def test_sys_modules_is_a_root(heap):
    (root,) = (root for root in heap.roots if root.label == "sys.modules")
    assert root.references == {"modules": id(sys.modules)}


def test_the_file_holds_what_the_walk_in_memory_holds(tmp_path):
    path = tmp_path / "x.raw"
    figures = _tracker.heap_write(str(path))
    heap = raw_heap.from_file(path)
    assert figures["objects"] == len(heap.objects)
    assert figures["bytes"] == path.stat().st_size
    assert figures["total_bytes"] == heap.objects.total_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.raw"]


def test_a_file_that_cannot_be_written_is_one_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        _tracker.heap_write(str(tmp_path / "missing" / "x.raw"))


def test_a_walk_is_not_released_under_its_readers():
    walk = _tracker.heap_walk()
    sections = walk.sections()
    with pytest.raises(BufferError):
        walk.release()
    del sections
    walk.release()
    with pytest.raises(ValueError, match="released"):
        walk.sections()

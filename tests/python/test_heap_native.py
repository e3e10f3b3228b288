"""Blocks of memory that are no objects, as nodes of snapshots of this process and of a copy."""

from __future__ import annotations

import ctypes
import gc
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import heapscope
from heapscope import _analysis, _tracker, tracking


@pytest.fixture(autouse=True)
def _tracked() -> Iterator[None]:
    tracking.ensure_tracking()
    yield
    heapscope.stop()


def in_this_process(_: Path) -> Any:
    walk = _tracker.heap_walk(native=True, fingerprints=False)
    try:
        return _analysis.HeapGraph.from_walk(walk.sections())
    finally:
        walk.release()


def in_a_copy(directory: Path) -> Any:
    path = directory / "copy.raw"
    _tracker.heap_write(str(path), fork=True, native=True, fingerprints=False)
    return _analysis.HeapGraph(str(path))


def in_a_file(directory: Path) -> Any:
    path = directory / "here.raw"
    _tracker.heap_write(str(path), native=True, fingerprints=False)
    return _analysis.HeapGraph(str(path))


WAYS = [in_this_process, in_a_copy, in_a_file]


def made_and_measured() -> tuple[Any, int]:
    zlib.compressobj(9)
    gc.collect()
    meter = _tracker.ProcessMeter()
    meter.start()
    made = zlib.compressobj(9)
    return made, meter.stop().net_bytes


def blocks_below(graph: Any, number: int) -> dict[int, int]:
    """Address and bytes of the native blocks that are reached from an object through no object."""
    found: dict[int, int] = {}
    waiting = [number]
    while waiting:
        for row in graph.references(waiting.pop(), 1000, 0)["rows"]:
            one = graph.object(row["id"])
            if "native" in row["type"] and one["address"] not in found:
                found[one["address"]] = row["size_bytes"]
                waiting.append(row["id"])
    return found


@pytest.mark.parametrize("way", WAYS)
def test_what_a_type_of_c_asked_for_hangs_under_its_object(way: Any, tmp_path: Path) -> None:
    made, asked_for = made_and_measured()
    graph = way(tmp_path)
    (number,) = graph.at_addresses([id(made)])
    blocks = blocks_below(graph, number)
    of_object = graph.object(number)["size_bytes"]
    assert asked_for > 260_000
    assert sum(blocks.values()) + of_object == pytest.approx(asked_for, rel=0.02)


def test_a_copy_has_the_blocks_that_the_program_has(tmp_path: Path) -> None:
    made, _ = made_and_measured()
    found = [
        blocks_below(graph, graph.at_addresses([id(made)])[0])
        for graph in (in_this_process(tmp_path), in_a_copy(tmp_path))
    ]
    # Small blocks may be there by a pointer that a former owner left.
    large = [{each for each in blocks.items() if each[1] > 1000} for blocks in found]
    assert large[0] == large[1] != set()


@pytest.mark.parametrize("way", WAYS)
def test_what_a_size_tells_is_counted_once(way: Any, tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.zeros(100_000)
    graph = way(tmp_path)
    (number,) = graph.at_addresses([id(array)])
    blocks = blocks_below(graph, number)
    assert 800_000 in blocks.values()
    assert graph.object(number)["size_bytes"] < 200
    size = heapscope.sizeof(array)
    assert size <= graph.object(number)["retained_bytes"] <= size + 1024


def test_the_interpreters_static_data_share_a_block_only_by_its_beginning(tmp_path: Path) -> None:
    made = struct.Struct("<hhlq")
    graph = in_this_process(tmp_path)
    (address,) = blocks_below(graph, graph.at_addresses([id(made)])[0])
    variable = ctypes.c_void_p.in_dll(ctypes.pythonapi, "PyOS_InputHook")  # for prompts alone
    former = variable.value
    try:
        variable.value = address + 16  # where an object behind its header was: in a cache, say
        left_over = heapscope.native_sizeof(made)
        variable.value = address
        shared = heapscope.native_sizeof(made)
    finally:
        variable.value = former
    assert (left_over.blocks, left_over.shared_bytes, left_over.grade) == (1, 0, "exact")
    assert (shared.blocks, shared.grade) == (0, "shared")


@pytest.mark.parametrize("left_over", [True, False])
def test_what_is_older_than_the_object_is_what_a_former_owner_left(
    left_over: bool, tmp_path: Path
) -> None:
    made = struct.Struct("<hhlq") if not left_over else None
    other, _ = made_and_measured()
    heapscope.heap()  # parts what was born before from what is after
    made = made or struct.Struct("<hhlq")
    graph = in_this_process(tmp_path)
    codes, window = (
        blocks_below(graph, number) for number in graph.at_addresses([id(made), id(other)])
    )
    (address,) = codes
    largest = max(window, key=window.__getitem__)
    # Behind the codes of a struct is an empty one: offset, size, repetitions.
    word = ctypes.c_uint64.from_address(address + codes[address] - 8)
    former, word.value = word.value, largest
    size, size_of_other = heapscope.native_sizeof(made), heapscope.native_sizeof(other)
    word.value = former
    if left_over:
        assert (int(size), size.shared_bytes) == (codes[address], 0)
        assert size_of_other.shared_bytes == 0
    else:
        assert size.shared_bytes == size_of_other.shared_bytes == window[largest]


@pytest.mark.parametrize("way", [in_this_process, in_a_copy])
def test_without_tracking_there_are_none(way: Any, tmp_path: Path) -> None:
    made = zlib.compressobj(9)
    heapscope.stop()
    graph = way(tmp_path)
    assert blocks_below(graph, graph.at_addresses([id(made)])[0]) == {}

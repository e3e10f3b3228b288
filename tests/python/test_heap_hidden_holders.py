"""Holders that the collector is not told of, or whose references have no names of their own."""

from __future__ import annotations

import functools
import io
import subprocess
import sys
from typing import Any

import pytest

import heapscope
from heapscope import _analysis, _tracker, tracking


class Marker:
    pass


def snapshot() -> Any:
    walk = _tracker.heap_walk(fingerprints=False)
    try:
        return _analysis.HeapGraph.from_walk(walk.sections())
    finally:
        walk.release()


def path_of(graph: Any, address: int) -> str:
    (number,) = graph.at_addresses([address])
    assert number
    return str(graph.path_text(number))


HELD: dict[str, Any] = {}


def calls_c_code() -> tuple[list[int], Any]:
    """A list that only the evaluation stack holds while `max` calls back."""
    seen: list[Any] = []
    addresses: list[int] = []

    def make() -> Marker:
        made = Marker()
        addresses.append(id(made))
        return made

    def look(_: object) -> int:
        if not seen:
            seen.append(snapshot())
        return 0

    max((make(), make(), make()), key=look)
    return addresses, seen[0]


def test_what_only_the_stack_of_a_frame_inside_c_code_holds_has_a_named_root() -> None:
    addresses, graph = calls_c_code()
    for address in addresses[1:]:  # the first is a variable of `look` too
        path = path_of(graph, address)
        assert path.startswith("<thread 'MainThread' "), path
        assert "calls_c_code>.<stack " in path, path
    # `max` has the others in hand.
    (last,) = graph.at_addresses(addresses[2:])
    assert graph.object(last)["held"] is None


def test_a_word_that_is_left_on_a_stack_makes_no_reference_of_its_own() -> None:
    """No object gets more references from roots than its count leaves unexplained."""
    _, graph = calls_c_code()
    seen: dict[int, int] = {}
    of_stacks: set[int] = set()
    for root in graph.roots():
        for row in graph.references(root["id"], 100_000, 0)["rows"]:
            if "evaluation stack of " in root["label"]:
                of_stacks.add(row["id"])
    for number in of_stacks:
        rows = graph.referrers(number, 100_000, 0)
        seen[number] = rows["total"]
    for number, count in seen.items():
        assert count <= graph.object(number)["reference_count"], graph.object(number)


@functools.lru_cache(maxsize=10)
def remembered(key: object) -> Marker:
    return Marker()


def test_entries_of_an_lru_cache_are_named_by_their_key() -> None:
    results = {key: id(remembered(key)) for key in (1, "two")}
    graph = snapshot()
    module = f"sys.modules['{__name__}'].remembered.<cache>"
    assert path_of(graph, results[1]) == f"{module}[1].<result>"
    assert path_of(graph, results["two"]) == f"{module}['two'].<result>"
    types = graph.partition(graph.everything(), "type")
    rows = [row for row in types if "_lru_list_elem" in row["kind"]]
    assert {graph.object(link)["held"] for link in rows[0]["set"]} == {None}
    for number in graph.at_addresses(results.values()):
        assert graph.object(number)["held"] is None


def test_an_lru_cache_retains_what_its_links_hold() -> None:
    @functools.lru_cache(maxsize=10)
    def make(key: int) -> bytes:
        return bytes(10_000 + key)

    before = heapscope.retained_sizeof(make)
    for key in range(5):
        make(key)
    assert heapscope.retained_sizeof(make) - before > 5 * 10_000
    assert heapscope.deep_sizeof(make) > 5 * 10_000


NUMPY = """
import gc, numpy
from heapscope import _tracker
gc.collect()
walk = _tracker.heap_walk()
from heapscope import _analysis
graph = _analysis.HeapGraph.from_walk(walk.sections())
print(graph.coverage()["named_share"])
rows = graph.partition(graph.everything(), "type")
methods = [row for row in rows if row["kind"] == "numpy._ArrayMethod"]
print(sum(row["count"] for row in methods))
print(sum(graph.object(one)["held"] is not None for one in methods[0]["set"]))
"""


def test_what_numpys_functions_keep_to_themselves_has_a_named_root() -> None:
    pytest.importorskip("numpy")
    done = subprocess.run([sys.executable, "-c", NUMPY], capture_output=True, text=True, check=True)
    share, methods, held = done.stdout.split()
    assert float(share) > 0.995
    assert int(methods) > 500
    assert int(held) == 0


def test_fields_of_objects_in_records_are_references() -> None:
    numpy = pytest.importorskip("numpy")
    inner = numpy.dtype([("first", "i4"), ("second", "O")])
    kind = numpy.dtype([("number", "i8"), ("one", "O"), ("two", "O", (2,)), ("nested", inner)])
    records = numpy.zeros((3, 2), dtype=kind)
    records["one"] = records["two"] = records["nested"]["second"] = None
    markers = [Marker() for _ in range(4)]
    records[0, 0]["one"] = markers[0]
    records[2, 1]["two"][1] = markers[1]
    records[1, 1]["nested"]["second"] = markers[2]
    records[2, 1]["one"] = markers[3]
    HELD["records"] = records
    addresses = [id(marker) for marker in markers]
    del markers
    graph = snapshot()
    for address in addresses:
        assert path_of(graph, address).startswith(f"sys.modules['{__name__}'].HELD['records']")
        (number,) = graph.at_addresses([address])
        assert graph.object(number)["held"] is None
    before = heapscope.retained_sizeof(records)
    records[0, 0]["one"] = bytes(5000)
    assert heapscope.retained_sizeof(records) - before > 4000
    # Not an index of .flat, which has records.
    assert ".flat" not in path_of(graph, addresses[0])
    HELD.clear()


def test_the_characters_of_a_text_stream_are_its_own_bytes() -> None:
    tracking.ensure_tracking()
    try:
        streams = []
        for _ in range(3):
            meter = _tracker.Meter()
            meter.start()
            stream = io.StringIO("x" * 5000)
            asked_for = meter.stop().net_bytes
            streams.append((stream, asked_for))
    finally:
        heapscope.stop()
    assert any(heapscope.sizeof(stream) == asked_for for stream, asked_for in streams), [
        (heapscope.sizeof(stream), asked_for) for stream, asked_for in streams
    ]


def test_the_share_of_named_roots_is_what_a_search_finds() -> None:
    """Counted anew, from the roots' ids and the references of each object alone."""
    done = subprocess.run(
        [sys.executable, "-c", INDEPENDENT], capture_output=True, text=True, check=True
    )
    told, found = done.stdout.split()
    assert told == found


INDEPENDENT = """
from heapscope import _tracker
walk = _tracker.heap_walk()
from heapscope import _analysis
graph = _analysis.HeapGraph.from_walk(walk.sections())
roots = [root["id"] for root in graph.roots()]
met, waiting = set(roots), list(roots)
while waiting:
    for row in graph.references(waiting.pop(), 1_000_000, 0)["rows"]:
        if row["id"] and row["id"] not in met:
            met.add(row["id"])
            waiting.append(row["id"])
print(graph.coverage()["named_objects"], len(met) - len(roots))
"""

"""Paths of a live snapshot: they are Python, and what they give is the object."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from heapscope import _analysis, _tracker

HERE = f"sys.modules[{__name__!r}]"


class Lesson:
    def __init__(self, title: str) -> None:
        self.title = title
        self.rows = [title]
        self.__dict__["hidden"] = ["behind a property"]

    @property
    def hidden(self) -> None:
        return None


class Slotted:
    __slots__ = ("first", "second")

    def __init__(self) -> None:
        self.first = ["slot"]
        self.second = {frozenset((1,)): ["by a set"]}


class Deaf(dict[str, list[str]]):
    def __getitem__(self, key: str) -> list[str]:
        return []


def _generate() -> Iterator[list[str]]:
    local = ["a generator's"]
    yield local


CACHE = {"x": [Lesson("one"), Lesson("two")]}
KEYED: dict[Any, list[str]] = {
    (1, 2): ["tuple"],
    3: ["int"],
    -3: ["negative"],
    b"\x00'": ["bytes"],
    'it"s\n': ["odd"],
    None: ["none"],
    1.5: ["float"],
}
SLOTTED = Slotted()
DEAF = Deaf(a=["deaf"])
MEMBERS = {("a member",)}
GENERATOR = _generate()
YIELDED = next(GENERATOR)


@pytest.fixture(scope="module")
def graph() -> _analysis.HeapGraph:
    walk = _tracker.heap_walk()
    try:
        return _analysis.HeapGraph.from_walk(walk.sections())
    finally:
        walk.release()


def _id(graph: _analysis.HeapGraph, value: object) -> int:
    (found,) = graph.at_addresses([id(value)])
    assert found != 0
    return found


def test_a_path_is_what_one_would_write(graph: _analysis.HeapGraph) -> None:
    lesson = CACHE["x"][1]
    assert graph.path_text(_id(graph, lesson)) == f"{HERE}.CACHE['x'][1]"
    assert graph.path_text(_id(graph, lesson.rows)) == f"{HERE}.CACHE['x'][1].rows"
    hidden = lesson.__dict__["hidden"]
    assert graph.path_text(_id(graph, hidden)) == f"{HERE}.CACHE['x'][1].__dict__['hidden']"
    assert graph.path_text(_id(graph, SLOTTED.first)) == f"{HERE}.SLOTTED.first"
    assert graph.path_text(_id(graph, sys.modules)) == "sys.modules"


def test_values_of_every_kind_of_container_are_found_by_their_paths(
    graph: _analysis.HeapGraph,
) -> None:
    values = [
        *KEYED.values(),
        *dict.values(DEAF),
        *SLOTTED.second.values(),
        *MEMBERS,
        *CACHE["x"],
    ]
    for value in values:
        (path,) = graph.paths(_id(graph, value))
        assert path["evaluates"], path["text"]
        assert eval(path["text"], {"sys": sys}) is value, path["text"]


# In a process of its own, where nothing changes between the snapshot and the evaluation.
EVALUATES_ALL = """
import collections, concurrent.futures, decimal, email.message, gc, json, logging, sys
from heapscope import _tracker
walk = _tracker.heap_walk()
from heapscope import _analysis
graph = _analysis.HeapGraph.from_walk(walk.sections())
walk.release()
right, wrong = 0, []
for value in gc.get_objects():
    (found,) = graph.at_addresses([id(value)])
    for path in graph.paths(found, 2) if found else ():
        if not path["evaluates"]:
            continue
        try:
            right += eval(path["text"], {"sys": sys}) is value or wrong.append(path["text"]) or 0
        except Exception as error:
            wrong.append(f"{path['text']}: {error!r}")
print(right, len(wrong), *wrong[:5], sep="\\n")
"""


def test_every_path_that_says_so_evaluates_to_its_object() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EVALUATES_ALL], check=True, capture_output=True, text=True
    )
    right, wrong, *examples = done.stdout.splitlines()
    assert (int(wrong), examples) == (0, [])
    assert int(right) > 5_000


def test_a_path_is_made_of_references_that_are_there(graph: _analysis.HeapGraph) -> None:
    lesson = CACHE["x"][0]
    (path, *_) = graph.paths(_id(graph, lesson), 3)
    assert path["steps"][0]["name"] is None
    for before, step in zip(path["steps"], path["steps"][1:], strict=False):
        rows = graph.references(before["id"], limit=10**6)["rows"]
        assert any(row["id"] == step["id"] and row["name"] == step["name"] for row in rows)


def test_without_its_reference_an_object_has_no_path_of_that_way(
    graph: _analysis.HeapGraph,
) -> None:
    titles = CACHE["x"][0].rows
    target = _id(graph, titles)
    (path,) = graph.paths(target)
    holder = path["steps"][-2]["id"]
    assert graph.paths(target, without=[(holder, target)]) == []
    assert graph.path_text(target) == path["text"]


def test_between_two_objects_the_path_is_written_behind_the_first(
    graph: _analysis.HeapGraph,
) -> None:
    (path,) = graph.paths_between(_id(graph, CACHE), _id(graph, CACHE["x"][1].rows))
    assert path["text"] == "_['x'][1].rows"
    assert graph.paths_between(_id(graph, CACHE["x"][1].rows), _id(graph, CACHE)) == []


def test_merged_paths_say_what_holds_most(graph: _analysis.HeapGraph) -> None:
    lessons = graph.set_of(_id(graph, lesson) for lesson in CACHE["x"])
    (row,) = graph.merged_paths(lessons)
    assert row["pattern"] == f"{HERE}.CACHE[*][*]"
    assert row["held_by"] == f"{__name__}.CACHE[*] items"
    assert (row["count"], row["bytes"]) == (2, graph.total(lessons))
    everything = graph.everything()
    rows = graph.merged_paths(everything, limit=7)
    assert len(rows) == 7
    assert sum(row["count"] for row in rows) == len(everything)
    assert sum(row["bytes"] for row in rows) == graph.total(everything)


@pytest.mark.parametrize(
    "by",
    ["type", "class", "module", "size", "referrers", "via", "site", "birth", "generation", "held"],
)
def test_a_partition_sums_to_its_set(graph: _analysis.HeapGraph, by: str) -> None:
    everything = graph.everything()
    rows = graph.partition(everything, by)
    assert sum(row["count"] for row in rows) == len(everything)
    assert sum(row["bytes"] for row in rows) == graph.total(everything)
    assert [row["bytes"] for row in rows] == sorted((row["bytes"] for row in rows), reverse=True)


def test_partitions_are_spelled_as_heapys(graph: _analysis.HeapGraph) -> None:
    lesson, other = CACHE["x"]
    code = _id(graph, Lesson.__init__.__code__)
    dicts = [_id(graph, each) for each in (lesson.__dict__, other.__dict__, CACHE, globals())]
    rows = graph.partition(graph.set_of([code, *dicts]), "class")
    assert {row["kind"]: row["count"] for row in rows} == {
        "types.CodeType": 1,
        f"dict of {__name__}.Lesson": 2,
        "dict (no owner)": 1,
        "dict of module": 1,
    }
    (row,) = graph.partition(graph.set_of(dicts[:2]), "via")
    assert row["kind"] == "'.__dict__'"
    (row,) = graph.partition(graph.set_of([_id(graph, lesson)]), "module")
    assert row["kind"] == __name__
    with pytest.raises(ValueError, match="colour"):
        graph.partition(graph.set_of(dicts), "colour")


def test_retainers_are_told_by_kind(graph: _analysis.HeapGraph) -> None:
    lessons = graph.set_of(_id(graph, lesson) for lesson in CACHE["x"])
    rows = graph.retainers(lessons)["rows"]
    assert (rows[0]["place"], rows[0]["count"], rows[0]["kind"]) == ("_", 2, f"{__name__}.Lesson")
    kinds = [row["kind"] for row in rows[1:4]]
    assert kinds == ["list", "dict (no owner)", "dict of module"]

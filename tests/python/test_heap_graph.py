"""What `_analysis.HeapGraph` says about heaps of which the truth is known."""

from __future__ import annotations

import datetime  # noqa: F401 - has a capsule
import gc
import struct
import sys
import threading
from typing import Any

import pytest

import heapscope
from heapscope import _analysis, _tracker


class Parent:
    child: Child
    children: list[Child]


class Child:
    parent: Parent


class Lesson:
    def __init__(self, number):
        self.title = f"lesson {number}"
        self.notes = [number * 1.5]


def family():
    parent, child = Parent(), Child()
    parent.children = [child]
    child.parent = parent
    return parent


def walked():
    return _analysis.HeapGraph.from_walk(_tracker.heap_walk().sections())


def ids(graph, *objects):
    found = graph.at_addresses([id(one) for one in objects])
    assert 0 not in found
    return found


def test_kinds_of_roots_and_types_sum_to_all_objects():
    graph = walked()
    parts = graph.coverage()
    assert (
        parts["named_objects"]
        + parts["immortal_objects"]
        + parts["c_objects"]
        + parts["garbage_objects"]
        == graph.object_count
    )
    rows = graph.retained_by_type()
    assert sum(row["count"] for row in rows) == graph.object_count
    assert sum(row["shallow_bytes"] for row in rows) == graph.total_bytes
    assert 0.9 < parts["named_share"] <= 1


@pytest.mark.one_version
def test_what_several_hold_together_is_freed_only_with_all_of_them():
    shared = [bytes(100_000)]
    holder = [[shared], [shared]]
    del shared
    graph = walked()
    first, second = ids(graph, *holder)
    assert graph.object(first)["retained_bytes"] < 1000
    both = graph.set_of([first, second])
    assert graph.retained(both) == graph.total(graph.dominated(both)) > 100_000
    assert len(graph.dominated(both)) == 4
    assert list(graph.immediate_dominators(both)) == ids(graph, holder)


@pytest.mark.one_version
def test_an_object_dominates_what_only_it_holds():
    lessons = [Lesson(number) for number in range(100)]
    graph = walked()
    (whole,) = ids(graph, lessons)
    held = graph.dominator_children(whole, limit=10)
    assert held["total"] == 100
    assert len(held["rows"]) == 10
    assert held["hidden"]["rows"] == 90
    assert {row["type"] for row in held["rows"]} == {f"{__name__}.Lesson"}
    retained = graph.object(whole)["retained_bytes"]
    size = graph.object(whole)["size_bytes"]
    shown = sum(row["retained_bytes"] for row in held["rows"])
    assert size + shown + held["hidden"]["bytes"] == retained
    view = graph.dominator_tree(whole, max_nodes=5)
    assert len(view["children"]) + view["rest"]["count"] == 100
    parts = sum(child["retained_bytes"] for child in view["children"])
    assert view["size_bytes"] + parts + view["rest"]["bytes"] == view["retained_bytes"] == retained


def test_references_are_named_both_ways():
    lesson = Lesson(1)
    holder = {"key": lesson}
    graph = walked()
    of, to = ids(graph, lesson, holder)
    assert {"name": "['key']", "id": of}.items() <= graph.references(to)["rows"][1].items()
    assert "['key']" in [row["name"] for row in graph.referrers(of)["rows"] if row["id"] == to]
    assert graph.references(to)["total"] == 2
    assert graph.references(to, limit=1, offset=1)["rows"] == graph.references(to)["rows"][1:]


def test_a_cycle_names_the_reference_that_closes_it():
    families = [family() for _ in range(3)]
    graph = walked()
    chosen = graph.set_of(ids(graph, *families))
    (kind,) = graph.cycles_by_type(chosen)
    assert kind["count"] == 3
    (way,) = (graph.cycle_through(one) for one in ids(graph, families[0].children[0]))
    if sys.version_info < (3, 11):  # attributes lie in a dict of their own
        assert {f"{__name__}.Parent", "dict", "list", f"{__name__}.Child"} == set(kind["types"])
        assert len(way) == 5
        return
    assert kind["types"] == [f"{__name__}.Parent", "list", f"{__name__}.Child"]
    assert kind["example"]["closing"]["name"] == ".parent"
    assert [step["name"] for step in kind["example"]["way"]] == [".children", "[0]", ".parent"]
    assert len(way) == 3


class Mirror:
    pass


def test_what_refers_to_itself_is_a_cycle_alive_or_not():
    gc.collect()
    gc.disable()
    try:
        mirror: Any = Mirror()
        turned: list = []
        mirror.seen = mirror
        turned.append(turned)
        garbage: dict
        for _ in range(5):
            garbage = {}
            garbage["itself"] = garbage
        del garbage
        graph = walked()
    finally:
        gc.enable()
    of_mirror, of_list = (graph.cycle_through(each) for each in ids(graph, mirror, turned))
    if sys.version_info >= (3, 11):  # before, attributes lie in a dict of their own
        assert [step["name"] for step in of_mirror] == [".seen"]
    assert [step["name"] for step in of_list] == ["[0]"]
    kinds = {tuple(kind["types"]): kind for kind in graph.cycles_by_type()}
    assert kinds[("list",)]["count"] == 1
    assert kinds[("dict",)]["count"] == 5
    assert kinds[("dict",)]["example"]["closing"]["name"] == "['itself']"


def test_garbage_is_seen_without_being_collected():
    gc.collect()
    gc.disable()
    try:
        parent, child = Parent(), Child()
        parent.child, child.parent = child, parent
        addresses = [id(parent), id(child)]
        del parent, child
        graph = walked()
    finally:
        gc.enable()
    found = graph.at_addresses(addresses)
    garbage = graph.unreachable()
    assert all(one in garbage for one in found)
    assert not any(one in graph.everything() for one in found)
    assert {graph.object(one)["reached_by"] for one in found} == {"garbage"}


@pytest.mark.one_version
def test_without_its_references_an_object_is_garbage():
    holder = [Lesson(1)]
    graph = walked()
    (lesson,) = ids(graph, holder[0])
    excluded = graph.without([(row["id"], lesson) for row in graph.referrers(lesson)["rows"]])
    assert graph.object(lesson)["reached_by"] == "named"
    assert excluded.object(lesson)["held"] == "garbage"
    assert excluded.total_bytes == graph.total_bytes


def test_snapshots_differ_by_what_was_made_and_freed_between_them():
    kept = [Lesson(number) for number in range(10)]
    gone = [Lesson(number) for number in range(20)]
    first = walked()
    gone_ids = ids(first, *gone)
    del gone
    fresh = [Lesson(number) for number in range(30, 70)]
    second = walked()
    change = second.compare(first)
    assert change["identity"] == "address"
    assert change["same_process"]
    (row,) = (row for row in change["rows"] if row["type"] == f"{__name__}.Lesson")
    assert row["delta_count"] == 20
    assert row["count"] - row["count_before"] == row["new_count"] - row["gone_count"] == 20
    total = change["total"]
    assert total["delta_bytes"] == second.total_bytes - first.total_bytes
    assert total["bytes"] == second.total_bytes
    for key in ("new_bytes", "gone_bytes", "grown_bytes", "delta_bytes", "delta_count"):
        assert sum(each[key] for each in change["rows"]) == total[key]
    assert all(one in change["kept"] for one in ids(second, *kept))
    # Twenty addresses may be used again by lessons that look the same: identity says so.
    assert sum(one in change["new"] for one in ids(second, *fresh)) >= 20
    assert sum(one in change["gone"] for one in gone_ids) == row["gone_count"]
    third = walked()
    between = third.allocated_between(first, second)
    assert sum(one in between for one in ids(third, *fresh)) == row["new_count"]


@pytest.mark.one_version
def test_a_saved_snapshot_answers_the_same(tmp_path):
    lessons = [Lesson(number) for number in range(1000)]
    graph = walked()
    path = tmp_path / "heap.hsnap"
    graph.save(path)
    again = _analysis.HeapGraph(path)
    assert again.info == graph.info
    assert again.retained_by_type() == graph.retained_by_type()
    assert again.coverage() == graph.coverage()
    assert again.everything().ids() == graph.everything().ids()
    (whole,) = ids(graph, lessons)
    assert again.object(whole) == graph.object(whole)
    assert again.references(whole) == graph.references(whole)
    assert again.compare(graph)["total"]["new_count"] == 0
    assert [file.name for file in tmp_path.iterdir()] == ["heap.hsnap"]


@pytest.mark.one_version
def test_a_bad_file_is_one_clear_error(tmp_path):
    path = tmp_path / "heap.hsnap"
    with pytest.raises(heapscope.SnapshotError, match="No such file or directory"):
        _analysis.HeapGraph(path)
    path.write_bytes(b"")
    with pytest.raises(heapscope.SnapshotError, match="the file is empty"):
        _analysis.HeapGraph(path)
    path.write_bytes(b"something else")
    with pytest.raises(heapscope.SnapshotError, match="is not a heap snapshot") as caught:
        _analysis.HeapGraph(path)
    assert caught.value.path == str(path)
    walked().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(heapscope.SnapshotError, match="the snapshot is cut"):
        _analysis.HeapGraph(path)
    with pytest.raises(heapscope.SnapshotError, match="cannot write the snapshot"):
        walked().save(tmp_path / "no" / "heap.hsnap")
    with pytest.raises(heapscope.SnapshotError, match="ends inside a record"):
        _analysis.HeapGraph.from_walk([(2, b"odd")])


def test_a_walk_that_was_handed_over_gives_the_same_graph():
    walk = _tracker.heap_walk()
    copied = _analysis.HeapGraph.from_walk(walk.sections())
    handed = walk.hand_over()
    graph = _analysis.HeapGraph.from_walk(handed)
    assert graph.object_count == copied.object_count
    assert graph.reference_count == copied.reference_count
    assert graph.total_bytes == copied.total_bytes
    assert graph.retained_by_type() == copied.retained_by_type()
    with pytest.raises(ValueError, match="the heap walk was taken"):
        _analysis.HeapGraph.from_walk(handed)
    with pytest.raises(BufferError, match="was released"):
        walk.hand_over()
    with pytest.raises(ValueError, match="was released"):
        walk.sections()
    with pytest.raises(ValueError, match="incorrect name"):
        _analysis.HeapGraph.from_walk(sys.modules["datetime"].datetime_CAPI)


def test_a_walk_in_use_is_not_handed_over():
    walk = _tracker.heap_walk()
    sections = walk.sections()
    with pytest.raises(BufferError, match="its sections are in use"):
        walk.hand_over()
    del sections
    walk.hand_over()  # and is released with the capsule


def test_threads_that_need_the_graph_first_share_one():
    graph = _analysis.HeapGraph.from_walk(_tracker.heap_walk().hand_over())
    counts = []
    start = threading.Barrier(8)

    def ask():
        start.wait()
        looked = graph.first_look("/nowhere")
        everything = graph.everything()
        counts.append((len(everything), graph.object_count))
        assert looked is None or sum(row[0] for row in looked) <= len(everything)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 8
    assert len(set(counts)) == 1


@pytest.mark.one_version
def test_sets_are_sets_of_one_snapshot():
    graph, other = walked(), walked()
    some = graph.set_of([5, 3, 4, 3])
    assert list(some) == [3, 4, 5]
    assert some[0] == 3
    assert some[-1] == 5
    assert 4 in some
    assert 6 not in some
    assert struct.unpack("<3I", some.ids()) == (3, 4, 5)
    assert list(some & graph.set_of([4, 9])) == [4]
    assert list(some | graph.set_of([4, 9])) == [3, 4, 5, 9]
    assert list(some ^ graph.set_of([4, 9])) == [3, 5, 9]
    assert list(some - graph.set_of([4, 9])) == [3, 5]
    assert some == graph.set_of([3, 4, 5])
    assert some != other.set_of([3, 4, 5])
    with pytest.raises(ValueError, match="different snapshots"):
        some & other.set_of([3])
    with pytest.raises(ValueError, match="another snapshot"):
        other.total(some)
    with pytest.raises(ValueError, match="no object of this id"):
        graph.set_of([0])
    with pytest.raises(IndexError):
        some[3]


@pytest.mark.one_version
def test_many_threads_ask_one_snapshot():
    graph = walked()
    answers = []

    def ask():
        answers.append((graph.retained_by_type(), graph.coverage(), len(graph.cycles(limit=1))))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)

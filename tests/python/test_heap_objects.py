"""Snapshots from Python: sets, their divisions and algebra, paths, growth between moments."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

import heapscope
from heapscope.objects.heapy_names import heapy_name


class Sonnet:
    def __init__(self, number: int) -> None:
        self.title = f"lesson number {number}"
        self.number = number


class Node:
    def __init__(self) -> None:
        self.me = self


HELD: dict[str, Any] = {}
NAME = f"{__name__}.Sonnet"


@pytest.fixture(autouse=True)
def _nothing_held() -> Any:
    HELD.clear()
    yield
    HELD.clear()


@pytest.fixture(scope="module")
def heap() -> heapscope.Heap:
    """A snapshot with fifty lessons that MODULE_HELD holds."""
    return heapscope.heap()


MODULE_HELD = {index: [Sonnet(index)] for index in range(50)}


def test_a_snapshot_prints_as_heapys_table(heap: heapscope.Heap) -> None:
    lines = repr(heap).splitlines()
    assert lines[0] == (
        f"Partition of a set of {heap.count} objects. Total size = {heap.size} bytes."
    )
    assert lines[1] == (" Index  Count   %     Size   % Cumulative  % Kind (class / dict of class)")
    assert len(lines) == 13
    assert lines[-1] == f"<{len(heap) - 10} more rows. Type e.g. '_.more' to view.>"


@pytest.mark.parametrize("grouping", ["type", "class", "module", "size", "referrers", "via"])
def test_every_division_sums_to_the_set(heap: heapscope.Heap, grouping: str) -> None:
    rows = heap.by(grouping).rows
    assert sum(row.count for row in rows) == heap.count
    assert sum(row.size for row in rows) == heap.size
    assert [row.size for row in rows] == sorted((row.size for row in rows), reverse=True)


@pytest.mark.one_version
def test_rows_and_slices_are_sets(heap: heapscope.Heap) -> None:
    assert heap[0].count == heap.rows[0].count
    assert heap[:3].count == sum(row.count for row in heap.rows[:3])
    assert heap[-1] == heap.rows[-1].set
    assert sum(each.count for each in heap) == heap.count


def test_a_kind_is_found_by_either_name_and_by_its_last_part(heap: heapscope.Heap) -> None:
    assert heap[NAME].count == heap["Sonnet"].count == 50
    assert heap["code"] == heap["types.CodeType"]
    with pytest.raises(KeyError):
        heap["no such type"]


@pytest.mark.one_version
def test_algebra_is_that_of_sets(heap: heapscope.Heap) -> None:
    lessons, strings = heap["Sonnet"], heap["str"]
    assert (lessons & strings).count == 0
    assert not lessons & strings
    assert (lessons | strings).count == lessons.count + strings.count
    assert (heap - lessons).count == heap.count - 50
    assert (heap ^ lessons) == heap - lessons
    assert lessons <= heap
    assert lessons < heap
    assert not heap <= lessons
    assert heap & Sonnet == lessons


@pytest.mark.one_version
def test_sets_of_different_snapshots_do_not_mix(heap: heapscope.Heap) -> None:
    with pytest.raises(ValueError, match="different snapshots"):
        heap & heapscope.heap()


def test_iso_is_the_set_of_the_objects_given(heap: heapscope.Heap) -> None:
    lessons = [MODULE_HELD[index][0] for index in range(3)]
    found = heap.iso(*lessons)
    assert found.count == 3
    assert found <= heap["Sonnet"]
    assert lessons[0] in found
    assert MODULE_HELD[9][0] not in found


@pytest.mark.one_version
def test_iso_refuses_what_was_made_later(heap: heapscope.Heap) -> None:
    kept = bytearray(1 << 20)
    with pytest.raises(ValueError, match="not in this snapshot"):
        heap.iso(kept)


def test_a_path_evaluates_to_the_object(heap: heapscope.Heap) -> None:
    paths = heap.iso(MODULE_HELD[7][0]).sp
    assert len(paths) == 1
    assert repr(paths) == f" 0: {paths[0]}"
    assert paths[0].evaluates
    assert eval(paths[0].text, {"sys": sys}) is MODULE_HELD[7][0]


@pytest.mark.one_version
def test_paths_can_be_asked_for_without_a_holder(heap: heapscope.Heap) -> None:
    HELD["again"] = MODULE_HELD[3][0]
    taken = heapscope.heap()
    lesson = taken.iso(MODULE_HELD[3][0])
    texts = [path.text for path in lesson.paths(5)]
    assert any("MODULE_HELD" in text for text in texts)
    assert any("HELD['again']" in text for text in texts)
    without = [path.text for path in lesson.paths(5, without=[taken.iso(HELD)])]
    assert without
    assert not any("HELD['again']" in text for text in without)


@pytest.mark.one_version
def test_holders_tell_who_holds_how_many(heap: heapscope.Heap) -> None:
    rows = heap["Sonnet"].holders()
    assert sum(row["count"] for row in rows) == 50
    assert "MODULE_HELD" in rows[0]["pattern"]


def test_the_reference_pattern_leads_to_the_module(heap: heapscope.Heap) -> None:
    lines = repr(heap["Sonnet"].rp).splitlines()
    assert lines[0] == "Reference Pattern by <[dict of] class>."
    assert lines[1].startswith(f" 0: _ --- [-] 50 {NAME}: ")
    assert lines[2].startswith(" 1: a      [-] 50 list: ")
    assert any(" [S] 1 dict of module: " in line for line in lines)
    assert heap["Sonnet"].rp[1] == heap["Sonnet"].referrers


def test_retained_is_what_would_be_freed(heap: heapscope.Heap) -> None:
    lesson = heap.iso(MODULE_HELD[0][0])
    held: list[object] = [MODULE_HELD[0][0].title]
    if sys.version_info < (3, 11):  # attributes lie in a dict of their own
        held.append(MODULE_HELD[0][0].__dict__)
    assert lesson.domisize == lesson.size + sum(heap.iso(each).size for each in held)
    assert lesson.dominos.count == 1 + len(held)
    assert lesson.imdom == heap.iso(MODULE_HELD[0])


def test_the_one_is_the_object_itself_while_it_lives(heap: heapscope.Heap) -> None:
    assert heap.iso(MODULE_HELD[4][0]).theone is MODULE_HELD[4][0]
    with pytest.raises(ValueError, match="50 objects"):
        heap["Sonnet"].the_one
    HELD["short"] = bytearray(1 << 16)
    gone = heapscope.heap().iso(HELD["short"])
    HELD.clear()
    with pytest.raises(LookupError, match="does not live"):
        gone.the_one


@pytest.mark.one_version
def test_objects_one_by_one_are_the_largest_first(heap: heapscope.Heap) -> None:
    lines = repr(heap["Sonnet"].byid).splitlines()
    size = heap["Sonnet"].size
    assert lines[0] == f"Set of 50 <{NAME}> objects. Total size = {size} bytes."
    assert lines[1] == " Index     Size   %   Cumulative  %   Address"
    sizes = [int(line.split()[1]) for line in lines[2:12]]
    assert sizes == sorted(sizes, reverse=True)


def test_garbage_is_seen_before_it_is_collected() -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            Node()
        alive = weakref.ref(Node())
        taken = heapscope.heap()
        assert alive() is not None, "the snapshot collected"
    finally:
        gc.enable()
    assert taken.unreachable[f"{__name__}.Node"].count == 21
    with pytest.raises(KeyError):
        taken[f"{__name__}.Node"]


def test_what_is_new_is_told_from_what_was_there() -> None:
    before = heapscope.heap()
    HELD["new"] = [Sonnet(index) for index in range(7)]
    new = heapscope.heap().relative_to(before)
    assert new["Sonnet"].count == 7
    assert new.holders(1)[0]["count"] > 0


def test_a_saved_snapshot_reads_as_it_was(heap: heapscope.Heap, tmp_path: Path) -> None:
    heap.save(tmp_path / "x.hsnap")
    read = heapscope.Heap.load(tmp_path / "x.hsnap")
    assert (read.count, read.size) == (heap.count, heap.size)
    assert repr(read) == repr(heap)
    assert read.unreachable.count == heap.unreachable.count
    with pytest.raises(ValueError, match="this process only"):
        read.iso(MODULE_HELD)


@pytest.mark.one_version
def test_what_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.hsnap").write_bytes(b"nothing of the kind")
    with pytest.raises(heapscope.SnapshotError):
        heapscope.Heap.load(tmp_path / "x.hsnap")
    with pytest.raises(heapscope.SnapshotError, match="No such file"):
        heapscope.Heap.load(tmp_path / "y.hsnap")


def test_heapscope_is_not_in_its_own_picture() -> None:
    heapscope.heap()
    taken = heapscope.heap()
    assert taken.own.count > 0
    for row in taken.by_type.rows:
        assert not row.kind.startswith(("heapscope.", "nanobind."))


@pytest.mark.one_version
def test_a_session_has_heapys_names() -> None:
    session = heapscope.hpy()
    HELD["lesson"] = Sonnet(1)
    session.setrelheap()
    HELD["more"] = [Sonnet(2), Sonnet(3)]
    assert session.heap()["Sonnet"].count == 2
    found = session.iso(HELD["lesson"])
    assert found.count == 1
    assert "HELD['lesson']" in repr(found.sp)
    lonely = session.iso(Sonnet(4))
    assert lonely.kind == NAME


def test_names_of_types_are_heapys(heap: heapscope.Heap) -> None:
    kinds = {row.kind for row in heap.by_type.rows}
    assert {"str", "dict", "types.CodeType", "function", "types.WrapperDescriptorType"} <= kinds
    assert heapy_name("method") in kinds


def test_frames_of_the_caller_hold_its_locals() -> None:
    local = Sonnet(1)
    taken = heapscope.heap()
    assert taken.iso(local) <= taken
    assert not taken.iso(local) <= taken.held_without_frames
    assert repr(taken.iso(local).sp) == (
        " 0: <thread 'MainThread' test_frames_of_the_caller_hold_its_locals>.local"
    )


@pytest.mark.one_version
def test_a_difference_is_printed_as_pympler_prints_it() -> None:
    tracker = heapscope.HeapTracker()
    HELD["lessons"] = [Sonnet(index) for index in range(1000, 1300)]

    def as_sql() -> None:
        pass

    HELD["function"] = as_sql
    out = io.StringIO()
    tracker.print_diff(file=out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["types", "|", "#", "objects", "|", "total", "size"]
    assert set(lines[1]) == {"=", " ", "|"}
    rows = {line.split("|")[0].strip(): line.split("|")[1:] for line in lines[2:]}
    assert int(rows[NAME][0]) == 300
    assert rows[NAME][1].split()[1] == "KB"
    assert int(rows["function (as_sql)"][0]) == 1
    assert len(lines) <= 17


def test_what_is_printed_is_what_the_rows_are() -> None:
    class Owner:
        pass

    owners = [Owner() for _ in range(50)]
    for owner in owners:
        vars(owner)["number"] = owner
    cycle: list[Any] = []
    cycle.append(cycle)
    del cycle
    taken = heapscope.heap()
    printed = repr(taken)  # without a graph
    rows = [(row.count, row.size, row.kind) for row in taken.rows]
    assert repr(taken & taken) == printed
    assert printed.splitlines()[0].split()[5] == str(taken.count)
    assert str(taken.all).count("\n") >= len(rows)
    assert (50, "test_heap_objects.Owner") in [(count, kind) for count, _, kind in rows]
    assert (50, "dict of test_heap_objects.Owner") in [(count, kind) for count, _, kind in rows]
    again = heapscope.heap()
    assert len(again.rows) == pytest.approx(len(rows), abs=3)
    assert repr(again) == repr(again & again)


def test_nothing_changes_where_nothing_is_done() -> None:
    tracker = heapscope.HeapTracker()
    for _ in range(3):
        tracker.diff()
    changed = tracker.diff()
    assert sum(abs(size) for _, _, size in changed) < 2000


def test_growth_is_what_came_to_stay() -> None:
    tracker = heapscope.HeapTracker()
    HELD["kept"] = [Sonnet(index) for index in range(10)]
    used = [Sonnet(index) for index in range(20)]
    tracker.snapshot()
    # Made first, so that none of them lies where one like it lay.
    HELD["late"] = [Sonnet(100 + index) for index in range(30)]
    del used
    tracker.snapshot()
    report = tracker.growth()
    assert report.objects["Sonnet"].count == 10
    kept = [row for row in report if "HELD['kept']" in row.held_by or "HELD[*]" in row.held_by]
    assert sum(row.freed_bytes for row in kept) >= report.objects["Sonnet"].retained_bytes
    assert "HELD" in repr(report)


@pytest.mark.one_version
def test_growth_needs_three_snapshots() -> None:
    with pytest.raises(ValueError, match="three snapshots"):
        heapscope.HeapTracker().growth()


@pytest.mark.one_version
def test_chosen_classes_are_followed() -> None:
    tracker = heapscope.HeapTracker()
    tracker.track_class(Sonnet)
    start = tracker.history[-1].classes[NAME][0]
    HELD["lessons"] = [Sonnet(index) for index in range(5)]
    tracker.snapshot("five more")
    assert [moment.classes[NAME][0] - start for moment in tracker.history] == [0, 5]
    assert tracker.history[1].label == "five more"
    assert tracker.history[0].time_s < tracker.history[1].time_s
    out = io.StringIO()
    tracker.print_classes(out)
    assert "(+5)" in out.getvalue()
    tracker.untrack_class(Sonnet)
    tracker.snapshot()
    assert len(tracker.history) == 2


def test_the_most_common_types_are_those_with_most_objects() -> None:
    rows = heapscope.most_common_types(5)
    assert len(rows) == 5
    assert [count for _, count in rows] == sorted((count for _, count in rows), reverse=True)
    assert heapscope.most_common_types(objects=[Sonnet(1), Sonnet(2), "x"]) == [
        ("Sonnet", 2),
        ("str", 1),
    ]
    out = io.StringIO()
    heapscope.show_most_common_types(objects=[Sonnet(1), "x"], file=out)
    assert out.getvalue() == "Sonnet 1\nstr    1\n"


@pytest.mark.one_version
def test_growth_of_types_is_told_since_the_highest_count() -> None:
    highest: dict[str, int] = {}
    heapscope.growth(None, highest)
    HELD["lessons"] = [Sonnet(index) for index in range(40)]
    rows = {name: (count, more) for name, count, more in heapscope.growth(None, highest)}
    assert rows["Sonnet"] == (90, 40)
    assert "Sonnet" not in {name for name, _, _ in heapscope.growth(None, highest)}


def test_a_function_that_keeps_objects_fails_the_test() -> None:
    HELD["kept"] = []

    def leak() -> None:
        HELD["kept"].append(Sonnet(len(HELD["kept"])))

    with pytest.raises(heapscope.GrowthError) as raised:
        heapscope.assert_no_growth(leak, rounds=3)
    assert isinstance(raised.value, AssertionError)
    [leak_row] = [row for row in raised.value.leaks if row.type == NAME]
    assert leak_row.objects == 3
    assert "HELD" in leak_row.held_by
    assert NAME in str(raised.value)
    heapscope.assert_no_growth(leak, rounds=2, ignore=["Sonnet", "str"])


def test_a_function_that_keeps_nothing_passes() -> None:
    cache: dict[int, Sonnet] = {}

    def work() -> None:
        cache.setdefault(1, Sonnet(1))
        HELD["latest"] = [Sonnet(index) for index in range(10)]

    heapscope.assert_no_growth(work, rounds=3)


def test_a_body_that_keeps_objects_fails_and_its_own_results_do_not() -> None:
    with heapscope.no_growth():
        result = [Sonnet(index) for index in range(10)]
    assert len(result) == 10
    with pytest.raises(heapscope.GrowthError, match="Sonnet"), heapscope.no_growth():
        HELD["x"] = Sonnet(1)


@pytest.mark.one_version
def test_an_error_of_the_body_stays_the_error() -> None:
    with pytest.raises(ZeroDivisionError), heapscope.no_growth():
        HELD["x"] = [Sonnet(1), 1 / 0]


@pytest.mark.one_version
def test_checks_leave_tracking_as_it_was() -> None:
    assert not heapscope.is_tracing()
    heapscope.assert_no_growth(lambda: None, rounds=2)
    assert not heapscope.is_tracing()


def test_collections_are_counted_and_watched() -> None:
    before = heapscope.gc_summary()
    assert before.generations[0].examined is None
    heapscope.watch_gc()
    try:
        gc.disable()
        gc.collect()
        for _ in range(100):
            Node()
        gc.collect()
        summary = heapscope.gc_summary()
    finally:
        gc.enable()
        heapscope.unwatch_gc()
    oldest = summary.generations[2]
    assert oldest.watched == 2
    assert oldest.freed is not None
    assert oldest.freed >= 100
    assert oldest.examined is not None
    assert oldest.examined > 1000
    assert oldest.pause_s is not None
    assert oldest.longest_pause_s is not None
    assert 0 < oldest.longest_pause_s <= oldest.pause_s
    assert oldest.collections - before.generations[2].collections == 2
    lines = repr(summary).splitlines()
    assert len(lines) >= 4
    assert max(map(len, lines)) <= 80
    # Of what was not watched nothing is said, least of all that it took no time.
    assert lines[1].split() == ["0", *lines[1].split()[1:4], "0"]
    assert lines[3].endswith("ms")
    assert heapscope.gc_summary().generations[0].pause_s is None


def test_collections_are_spans_of_the_capture(tmp_path: Path) -> None:
    heapscope.watch_gc()
    try:
        with heapscope.track(tmp_path / "x.hscope") as tracking:
            for _ in range(50):
                Node()
            gc.collect()
    finally:
        heapscope.unwatch_gc()
    events = heapscope.Capture(tracking.path).events
    assert any(event.label == "gc generation 2" for event in events)
    assert any(event.label.startswith("gc generation 2: ") for event in events)


def test_uncollectable_objects_are_counted_by_type() -> None:
    gc.garbage.append(Sonnet(1))
    try:
        assert heapscope.gc_summary().uncollectable == {NAME: 1}
    finally:
        gc.garbage.clear()


def test_frozen_objects_are_a_set() -> None:
    code = """
import gc, heapscope
kept = [[] for _ in range(100)]
gc.freeze()
after = []
taken = heapscope.heap()
assert taken.iso(kept[5]) <= taken.frozen
assert not taken.iso(after) <= taken.frozen
assert heapscope.gc_summary().frozen > 100
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_import_of_the_package_loads_nothing() -> None:
    code = "import sys, heapscope; print(sorted(m for m in sys.modules if 'heapscope.' in m))"
    ended = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout.strip() == "[]"


def test_a_snapshot_does_not_hold_what_reads_it() -> None:
    code = """
import heapscope
taken = heapscope.heap()
names = {row["name"] for root in taken.roots() if root["kind"] == "modules"
         for modules in taken.graph.references(root["id"], 1)["rows"]
         for row in taken.graph.references(modules["id"], 10**9)["rows"]}
assert "['heapscope']" in names
assert "['heapscope._analysis']" not in names
assert "['reprlib']" not in names
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=dict(os.environ))


KEPT: list[Node] = []


def test_what_cannot_be_ruled_out_is_said_with_a_comparison() -> None:
    tracker = heapscope.HeapTracker()
    KEPT.append(Node())
    tracker.snapshot()
    tracker.snapshot()
    report = tracker.growth()
    assert report.unproven > 0
    assert f"Not tracked: up to {report.unproven:,} of the others" in repr(report)
    assert "Not tracked: up to" in repr(tracker.latest.compare(tracker._heaps[0]))
    KEPT.clear()


def test_the_types_of_objects_that_a_filter_picks_are_counted() -> None:
    KEPT.extend(Node() for _ in range(5))
    counted = heapscope.most_common_types(filter=lambda obj: type(obj) is Node)
    assert counted == [("Node", sum(type(each) is Node for each in gc.get_objects()))]
    stats: dict[str, int] = {}
    heapscope.growth(peak_stats=stats, filter=lambda obj: type(obj) is Node)
    assert set(stats) == {"Node"}
    few = heapscope.heap().instances(Node)
    assert heapscope.most_common_types(objects=few, filter=lambda obj: obj is KEPT[0]) == [
        ("Node", 1)
    ]
    KEPT.clear()

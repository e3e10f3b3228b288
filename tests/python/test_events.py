"""Marks and spans of a program, in its capture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded import record

import heapscope
from heapscope import Capture, _analysis, _tracker


@pytest.fixture(autouse=True)
def _nothing_is_left_on() -> Iterator[None]:
    yield
    assert not heapscope.is_tracing()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.hscope"


def test_a_mark_is_a_moment_with_its_thread_and_its_heap(path: Path) -> None:
    with heapscope.track(path):
        heapscope.mark("before")
        kept = bytearray(1_000_000)
        heapscope.mark("after")
    recorded = Capture(path)
    before, after = recorded.events
    assert [event.label for event in (before, after)] == ["before", "after"]
    assert {event.kind for event in (before, after)} == {"mark"}
    assert {event.thread for event in (before, after)} == {"MainThread"}
    assert before.begin_s == before.end_s
    assert 0 <= before.begin_s <= after.begin_s <= recorded.summary()["duration_s"]
    # Byte code and the tuple of arguments may come and go; no other million does.
    assert 0 <= after.begin_live_bytes - before.begin_live_bytes - sys.getsizeof(kept) < 5_000
    assert recorded.events_dropped == 0


def test_spans_nest_and_tell_the_heap_at_both_ends(path: Path) -> None:
    with heapscope.track(path):
        outer = _tracker.span_begin("outer")
        inner = _tracker.span_begin("inner")
        kept = bytearray(500_000)
        _tracker.span_end(inner)
        del kept
        _tracker.span_end(outer)
    first, second = Capture(path).events
    assert (first.label, second.label) == ("outer", "inner")
    assert first.begin_s <= second.begin_s <= (second.end_s or 0) <= (first.end_s or 0)
    assert second.end_live_bytes is not None
    assert first.end_live_bytes is not None
    assert second.end_live_bytes - second.begin_live_bytes > 500_000
    assert first.end_live_bytes - first.begin_live_bytes < 10_000
    assert first.inside_s == pytest.approx((first.end_s or 0) - first.begin_s, abs=1e-9)


def test_a_span_that_is_open_at_the_stop_ends_there(path: Path) -> None:
    with heapscope.track(path):
        _tracker.span_begin("open")
    recorded = Capture(path)
    (event,) = recorded.events
    assert event.end_s == pytest.approx(recorded.summary()["duration_s"])


def test_marks_of_threads_have_the_thread(path: Path) -> None:
    with heapscope.track(path):
        thread = threading.Thread(target=heapscope.mark, args=("there",), name="worker 7")
        thread.start()
        thread.join()
        heapscope.mark("here")
    there, here = Capture(path).events
    assert (there.label, here.label) == ("there", "here")
    # Another thread may have had its place before: then the name says so.
    assert (there.thread or "").startswith("worker 7")
    assert (here.thread or "").startswith("MainThread")


def test_a_span_may_end_on_another_thread(path: Path) -> None:
    with heapscope.track(path):
        span = _tracker.span_begin("handed over")
        thread = threading.Thread(target=_tracker.span_end, args=(span,))
        thread.start()
        thread.join()
        heapscope.mark("later")
    first, second = Capture(path).events
    assert first.end_s is not None
    assert first.end_s <= second.begin_s


def test_what_is_not_tracked_is_not_marked() -> None:
    heapscope.mark("nobody sees it")
    assert _tracker.span_begin("nor this") == 0
    _tracker.span_end(0)


def test_a_span_of_an_earlier_capture_does_not_end_one_of_this(tmp_path: Path) -> None:
    with heapscope.track(tmp_path / "a.hscope"):
        earlier = _tracker.span_begin("earlier")
    with heapscope.track(tmp_path / "b.hscope"):
        _tracker.span_begin("this")
        _tracker.span_end(earlier)
        heapscope.mark("a while later")
    this, mark = Capture(tmp_path / "b.hscope").events
    assert this.end_s is not None
    assert this.end_s > mark.begin_s


@pytest.mark.parametrize(
    "label",
    ["", "näme", "🎉 done", "\udc80 broken", "a\0b", "<script>alert(1)</script>", "\u202eevil"],
)
def test_a_label_may_be_any_text(path: Path, label: str) -> None:
    with heapscope.track(path):
        heapscope.mark(label)
    assert [event.label for event in Capture(path).events] == [label]
    _analysis.seal(str(path))
    assert [event.label for event in Capture(path).events] == [label]


@pytest.mark.parametrize("letter", ["x", "ä", "漢", "🎉"])
def test_a_long_label_is_cut_at_a_letter(path: Path, letter: str) -> None:
    with heapscope.track(path):
        heapscope.mark(letter * 100_000)
        heapscope.mark(letter * (192 // len(letter.encode())))
    cut, whole = (event.label for event in Capture(path).events)
    assert cut.endswith("…")
    assert set(cut[:-1]) == {letter}
    assert 192 - 3 - 3 <= len(cut.encode()) <= 192
    assert "…" not in whole


def test_a_label_must_be_text() -> None:
    with pytest.raises(TypeError, match="label"):
        heapscope.mark(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="label"):
        _tracker.span_begin(b"bytes")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        _tracker.span_end(-1)


def test_a_million_marks_are_few_records_that_know_how_many(path: Path) -> None:
    with heapscope.track(path):
        for _ in range(1_000_000):
            heapscope.mark("step")
        heapscope.mark("end")
    recorded = Capture(path)
    events = recorded.events
    assert sum(event.count for event in events) + recorded.events_dropped == 1_000_001
    assert recorded.events_dropped == 0
    assert len(events) <= 8_192
    assert events[-1].label == "end"


def test_of_a_million_different_marks_the_first_and_the_latest_are_kept(path: Path) -> None:
    with heapscope.track(path):
        for number in range(30_000):
            heapscope.mark(str(number))
    recorded = Capture(path)
    kept = [int(event.label) for event in recorded.events]
    assert kept == [*range(4096), *range(30_000 - 4096, 30_000)]
    assert recorded.events_dropped == 30_000 - 8192


def test_marking_allocates_nothing_of_the_program(path: Path) -> None:
    label = "ä" * 50
    with heapscope.track(path):
        _tracker.mark(label)
        before = _tracker.counters()["allocations"]
        _tracker.mark(label)
        _tracker.span_end(_tracker.span_begin(label))
        after = _tracker.counters()["allocations"]
    # What counters() itself makes, and the number that is the span's name.
    assert after - before < 60


def test_a_killed_program_leaves_its_marks_and_its_open_spans(path: Path) -> None:
    program = """
import os, signal, sys
import heapscope
from heapscope import _tracker
_tracker.start(sys.argv[1])
_tracker.span_begin("load")
heapscope.mark("half way")
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program, str(path)], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    for form in ("live", "sealed"):
        recorded = Capture(path)
        assert recorded.damage == []
        load, half_way = recorded.events
        assert (load.label, load.end_s, load.end_live_bytes) == ("load", None, None)
        assert half_way.label == "half way"
        if form == "live":
            _analysis.seal(str(path))


def test_a_forked_child_marks_nothing_in_its_parents_capture(path: Path) -> None:
    with heapscope.track(path):
        child = os.fork()
        if child == 0:
            heapscope.mark("child")
            os._exit(_tracker.span_begin("child"))
        assert os.waitpid(child, 0)[1] == 0
        heapscope.mark("parent")
    assert [event.label for event in Capture(path).events] == ["parent"]


def test_the_summary_is_the_same_with_marks_and_without(path: Path) -> None:
    with heapscope.track(path):
        heapscope.mark("m")
    assert "events" not in Capture(path).summary()


def test_measured_blocks_and_outermost_profiled_calls_are_spans(tmp_path: Path) -> None:
    program = """
import io
import heapscope

@heapscope.profile(stream=io.StringIO())
def count_down(number):
    return [] if number == 0 else [number, *count_down(number - 1)]

@heapscope.measure(quiet=True)
def load():
    return bytearray(300_000)

with heapscope.measure("whole", quiet=True):
    kept = load()
    heapscope.mark("loaded")
count_down(5)
"""
    whole, loading, mark, counting = Capture(record(tmp_path, program)).events
    labels = [event.label for event in (whole, loading, mark, counting)]
    assert labels == ["whole", "load", "loaded", "count_down"]
    assert {event.kind for event in (whole, loading, counting)} == {"span"}
    assert whole.begin_s <= loading.begin_s <= mark.begin_s <= (whole.end_s or 0)
    assert (whole.end_s or 0) <= counting.begin_s
    assert counting.count == 1
    assert (loading.end_live_bytes or 0) - loading.begin_live_bytes >= 300_000

"""Garbage collections of a program that does not know of it: `heapscope run --gc-events`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from report_reader import Report

import heapscope

# It counts its collections in its own way: that is what the capture is held against.
PROGRAM = """
import gc, json
gc.disable()
import heapscope
before = heapscope.gc_summary().as_dict()
seen = []
def watch(phase, info):
    if phase == "stop":
        seen.append([info["generation"], info["collected"]])
gc.callbacks.append(watch)

class Node:
    pass

def make_garbage(count):
    for _ in range(count):
        one, other = Node(), Node()
        one.other, other.other = other, one

kept = [[] for _ in range(50_000)]
gc.collect()
heapscope.mark("begin")
del seen[:]
for generation, count in [(0, 100), (1, 200), (2, 300), (2, 0)]:
    make_garbage(count)
    gc.collect(generation)
heapscope.mark("end")
after = heapscope.gc_summary().as_dict()
print(json.dumps({"seen": seen, "callbacks": len(gc.callbacks), "before": before, "after": after}))
"""


def recorded(tmp_path: Path, *options: str) -> tuple[dict[str, Any], heapscope.Capture]:
    (tmp_path / "work.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "heapscope", "run", "-q", *options, "-o", "work.hscope"]
    ended = subprocess.run(
        [*command, "work.py"], cwd=tmp_path, timeout=120, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout), heapscope.Capture(tmp_path / "work.hscope")


def told(capture: heapscope.Capture) -> list[Any]:
    """What was recorded between the program's own two marks."""
    labels = [event.label for event in capture.events]
    return capture.events[labels.index("begin") + 1 : labels.index("end")]


def spans(capture: heapscope.Capture) -> list[int]:
    return [int(event.label[-1]) for event in told(capture) if event.kind == "span"]


def freed(capture: heapscope.Capture) -> list[tuple[int, int]]:
    marks = [event.label.split() for event in told(capture) if event.kind == "mark"]
    assert all(words[:2] == ["gc", "generation"] and words[-1] == "freed" for words in marks)
    return [(int(words[2].rstrip(":")), int(words[3])) for words in marks]


def test_collections_of_older_generations_are_spans_and_what_they_freed_marks(
    tmp_path: Path,
) -> None:
    said, capture = recorded(tmp_path, "--gc-events")
    assert said["callbacks"] == 2  # its own, and ours
    older = [(generation, count) for generation, count in said["seen"] if generation > 0]
    assert spans(capture) == [generation for generation, _ in older]
    assert freed(capture) == [each for each in older if each[1] > 0]
    for event in told(capture):
        assert event.thread == "MainThread"
        if event.kind == "span":
            assert event.end_s is not None
            assert 0 <= event.begin_s < event.end_s <= capture.summary()["duration_s"]


def test_with_all_the_youngest_generations_are_spans_too(tmp_path: Path) -> None:
    said, capture = recorded(tmp_path, "--gc-events=all")
    assert spans(capture) == [generation for generation, _ in said["seen"]]


def test_the_programs_summary_has_what_was_examined_freed_and_how_long(tmp_path: Path) -> None:
    said, _ = recorded(tmp_path, "--gc-events")
    rows = zip(said["before"]["generations"], said["after"]["generations"], strict=True)
    for generation, (before, after) in enumerate(rows):
        counts = [count for number, count in said["seen"] if number == generation]
        first = generation == 2  # the collection before the mark, which freed nothing of ours
        assert after["watched"] - before["watched"] == len(counts) + first
        assert after["freed"] - before["freed"] >= sum(counts)
        assert after["longest_pause_s"] <= after["pause_s"]
        if generation == 2:
            examined = after["examined"] - before["examined"]
            assert 3 * 50_000 < examined < 3 * 90_000
            paused = after["pause_s"] - before["pause_s"]
            assert paused > 0


def test_without_the_option_nothing_is_in_the_programs_way(tmp_path: Path) -> None:
    said, capture = recorded(tmp_path)
    assert said["callbacks"] == 1
    assert told(capture) == []
    assert said["after"]["generations"][2]["examined"] is None


def test_nothing_that_is_allocated_for_it_is_in_the_capture(tmp_path: Path) -> None:
    _, capture = recorded(tmp_path, "--gc-events=all")
    files = {frame.file for site in capture.sites() for frame in site.stack}
    assert any(file.endswith("work.py") for file in files)
    assert not any("collector.py" in file for file in files)


@pytest.mark.one_version
def test_they_are_in_the_exports_and_on_the_reports_timeline(tmp_path: Path) -> None:
    _, capture = recorded(tmp_path, "--gc-events")
    trace = json.loads(Path(capture.export("perfetto", tmp_path / "x.perfetto")).read_text())
    slices = [each for each in trace["traceEvents"] if each["name"] == "gc generation 2"]
    labels = [event.label for event in capture.events]
    assert [each["ph"] for each in slices] == ["X"] * labels.count("gc generation 2")
    assert len(slices) >= 3
    manifest = Report.of(tmp_path / "work.hscope").manifest
    assert [event["label"] for event in manifest["events"]] == labels


def test_another_value_is_refused() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "run", "--gc-events=old", "-c", "1"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr == "heapscope: --gc-events takes nothing or =all\n"

"""Marks and spans in the formats of other tools."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from export_consumers import FirefoxProfile

import heapscope

pytestmark = pytest.mark.one_version

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "export.schema.json"
PROGRAM = """
import os, signal, sys, threading
import heapscope
from heapscope import _tracker

outer = _tracker.span_begin("outer")
inner = _tracker.span_begin("inner")
kept = [bytearray(100_000) for _ in range(50)]
_tracker.span_end(inner)
heapscope.mark("built <b>\\u202e\\udc80")
across = _tracker.span_begin("across")
_tracker.span_end(outer)
_tracker.span_end(across)

def work():
    span = _tracker.span_begin("elsewhere")
    kept.append(bytearray(50_000))
    _tracker.span_end(span)

thread = threading.Thread(target=work, name="helper")
thread.start()
thread.join()
_tracker.span_begin("open")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> heapscope.Capture:
    directory = tmp_path_factory.mktemp("events")
    (directory / "work.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", "work.hscope", "work.py"]
    subprocess.run(command, cwd=directory, timeout=60, check=False)
    return heapscope.Capture(directory / "work.hscope")


def exported(capture: heapscope.Capture, directory: Path, name: str) -> dict[str, Any]:
    path = Path(capture.export(name, directory / name))
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_json_has_them_as_the_capture_does(capture: heapscope.Capture, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = exported(capture, tmp_path, "json")
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert [vars(event) for event in capture.events] == document["events"]
    assert [event["label"] for event in document["events"]] == [
        "outer",
        "inner",
        "built <b>\u202e\udc80",
        "across",
        "elsewhere",
        "open",
    ]
    assert document["events"][-1]["end_s"] is None


def test_perfettos_slices_nest_and_what_does_not_nest_is_asynchronous(
    capture: heapscope.Capture, tmp_path: Path
) -> None:
    trace = exported(capture, tmp_path, "perfetto")["traceEvents"]
    labels = {event.label: event for event in capture.events}
    found = {each["name"]: each for each in trace if each["name"] in labels}
    phases = {each["name"]: each["ph"] for each in trace if each["name"] in labels}
    assert phases["outer"] == phases["inner"] == phases["elsewhere"] == phases["open"] == "X"
    assert phases["built <b>\u202e\udc80"] == "i"
    assert [each["ph"] for each in trace if each["name"] == "across"] == ["b", "e"]
    names = {each["tid"]: each["args"]["name"] for each in trace if each["name"] == "thread_name"}
    assert names[found["elsewhere"]["tid"]] == "helper"
    assert names[found["outer"]["tid"]] == "MainThread"
    for name in ("outer", "inner"):
        event, slice_of = labels[name], found[name]
        assert slice_of["ts"] == pytest.approx(event.begin_s * 1e6)
        assert event.end_s is not None
        assert slice_of["dur"] == pytest.approx((event.end_s - event.begin_s) * 1e6)
        assert slice_of["args"]["begin_live_bytes"] == event.begin_live_bytes
    by_thread: dict[int, list[tuple[float, float]]] = {}
    for each in trace:
        if each["ph"] == "X":
            by_thread.setdefault(each["tid"], []).append((each["ts"], each["ts"] + each["dur"]))
    for slices in by_thread.values():
        for one in slices:
            for other in slices:
                overlap = one[0] < other[0] < one[1] < other[1]
                assert not overlap


def test_firefoxs_profiler_reads_them_as_markers(
    capture: heapscope.Capture, tmp_path: Path
) -> None:
    path = Path(capture.export("firefox", tmp_path / "out.firefox.json"))
    with FirefoxProfile(path, tmp_path / "sessions") as profile:
        found: dict[str, bool] = {}
        for thread in profile.ask("thread", "list", "--limit", "0")["threads"]:
            answer = profile.ask("thread", "markers", "--thread", thread["threadHandle"])
            for marker in answer["byType"]:
                found[marker["markerName"]] = marker["isInterval"]
    assert found == {
        "outer": True,
        "inner": True,
        "built <b>\u202e\udc80": False,
        "across": True,
        "elsewhere": True,
        "open": True,
    }

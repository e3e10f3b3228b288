"""The line profile in captures: of programs that end, that are killed, sealed and live."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from heapscope import Capture, _analysis

PROGRAM = """
import os, signal, sys
import heapscope
from heapscope import _tracker
heapscope.start(sys.argv[1])
kept = []
def work(depth):
    kept.append(bytearray(100_000))
    if depth: call(depth - 1)
    scratch = bytearray(3_000_000)
    del scratch
call = _tracker.profiled(work, work.__code__, None)
def drive():
    for count in range(20):
        call(2)
    if sys.argv[2] == "kill": os.kill(os.getpid(), signal.SIGKILL)
_tracker.profiled(drive, drive.__code__, None)()
import json
print(json.dumps(_tracker.line_profile()))
heapscope.stop()
"""

KILLED_ANYWHERE = """
import sys
import time
import heapscope
from heapscope import _tracker
heapscope.start(sys.argv[1])
kept = []
def work(number):
    kept.append(bytearray(number % 5000))
    if number % 3: kept.pop(0)
call = _tracker.profiled(work, work.__code__, None)
def drive():
    number = 0
    while True:
        number += 1
        call(number)
        if number == 2000: print("ready", flush=True)
_tracker.profiled(drive, drive.__code__, None)()
"""


def run(code: str, *args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=120
    )


def sums_hold(functions: list[dict[str, Any]]) -> bool:
    return all(
        sum(line["increment_bytes"] for line in function["lines"]) == function["net_bytes"]
        for function in functions
    )


def test_a_capture_holds_what_the_program_saw_live_and_sealed(tmp_path: Path) -> None:
    import json

    path = tmp_path / "out.hscope"
    ended = run(PROGRAM, path, "end")
    assert ended.stderr == ""
    seen = json.loads(ended.stdout)
    live = Capture(path)
    assert live.damage == []
    assert live.line_profile() == seen
    assert {each["function"]: each["calls"] for each in seen} == {"work": 60, "drive": 1}
    work = next(each for each in seen if each["function"] == "work")
    assert 6_000_000 <= work["net_bytes"] < 6_100_000
    assert sums_hold(seen)
    _analysis.seal(str(path))
    assert Capture(path).line_profile() == seen


def test_a_killed_program_leaves_its_line_profile(tmp_path: Path) -> None:
    path = tmp_path / "out.hscope"
    assert run(PROGRAM, path, "kill").returncode == -signal.SIGKILL
    capture = Capture(path)
    assert capture.damage == []
    assert not capture.complete
    functions = {each["function"]: each for each in capture.line_profile()}
    assert functions["work"]["calls"] == 60
    assert 6_000_000 <= functions["work"]["net_bytes"] < 6_100_000
    assert functions["drive"]["per_call"] is None
    assert functions["drive"]["net_bytes"] >= 6_000_000
    assert sums_hold(list(functions.values()))


@pytest.mark.parametrize("milliseconds", [0, 3, 11, 17])
def test_a_program_killed_anywhere_leaves_sums_that_hold(tmp_path: Path, milliseconds: int) -> None:
    path = tmp_path / "out.hscope"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_ANYWHERE, str(path)], stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
            running = Capture(path)  # while it is written
            assert running.damage == []
            assert sums_hold(running.line_profile())
            time.sleep(milliseconds / 1000)
        finally:
            program.kill()
    capture = Capture(path)
    assert capture.damage == []
    (work, drive) = sorted(
        capture.line_profile(), key=lambda each: str(each["function"]), reverse=True
    )
    assert work["calls"] >= 2000
    assert drive["calls"] == 1
    assert sums_hold([work, drive])
    assert work["per_call"]["min"] <= work["per_call"]["median"] <= work["per_call"]["max"]


def test_a_capture_without_line_profile_has_none(tmp_path: Path) -> None:
    path = tmp_path / "out.hscope"
    run("import sys, heapscope; heapscope.start(sys.argv[1]); heapscope.stop()", path)
    assert Capture(path).line_profile() == []

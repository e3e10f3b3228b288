"""Live bytes of Python's domains are those that tracemalloc has in the same process."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from ground_truth import PROGRAMS, assert_whole, marks

from heapscope import Capture

PYTHON = ("object", "mem", "raw")


@pytest.mark.parametrize("work", ["json", "dataclasses", "asyncio", "library"])
def test_live_python_blocks_are_tracemallocs(tmp_path: Path, work: str) -> None:
    program = PROGRAMS / "beside_tracemalloc.py"
    path = tmp_path / "out.hscope"
    ended = subprocess.run(
        [sys.executable, str(program), work, str(path)], capture_output=True, text=True, timeout=120
    )
    assert (ended.stderr, ended.returncode) == ("", 0)
    capture = Capture(path)
    assert_whole(capture)
    theirs = ast.literal_eval(ended.stdout)
    rows = {
        (row["file"], row["line"]): (row["live_bytes"], row["live_blocks"])
        for row in capture.table("line", "live")["rows"]
    }
    own = {name: (str(program), line) for name, line in marks(program).items()}
    ours = [
        (row["live_bytes"], row["live_blocks"])
        for row in capture.table("domain", "live")["rows"]
        if row["domain"] in PYTHON
    ]
    # One of them does not see all of the beginning, the other not all of the end.
    edges = [own[mark] for mark in ("start", "started", "stop")]
    theirs_at_edges = [theirs.pop(place, (0, 0)) for place in edges]
    assert sum(count for _, count in theirs_at_edges) < 10
    ours_at_edges = [rows.get(place, (0, 0)) for place in edges]

    assert total(ours, ours_at_edges) == total(theirs.values())
    # Line by line where objects come from the allocator each time. Others differ by name:
    # tracemalloc moves a block that comes from a free list (float, tuple, list, dict, …) to the
    # line that takes it out; here it stays with the line that allocated it. bytearray(n) needs a
    # tuple.
    bytearrays = own["bytearrays"]
    assert 0 <= rows[bytearrays][1] - theirs[bytearrays][1] <= 2
    # From 3.14 on int has a free list too.
    integers = ("integers",) if sys.version_info < (3, 14) else ()
    for mark in ("slotted", "strings", "sets", *integers):
        assert (mark, rows[own[mark]]) == (mark, theirs[own[mark]])


def total(
    figures: Iterable[tuple[int, int]], without: Iterable[tuple[int, int]] = ()
) -> tuple[int, int]:
    figures, without = list(figures), list(without)
    return (
        sum(size for size, _ in figures) - sum(size for size, _ in without),
        sum(count for _, count in figures) - sum(count for _, count in without),
    )


ORDERS = """
import sys, tracemalloc
from heapscope import _tracker
def start(): _tracker.start(sys.argv[1])
trackers = {"t": (tracemalloc.start, tracemalloc.stop), "h": (start, _tracker.stop)}
before = [bytearray(700) for _ in range(2000)]
kept = []
def work():
    global before
    kept.append([bytearray(600 + i) for i in range(1000)])
    before = before[::2]
for step in sys.argv[2]:
    trackers[step.lower()][step.isupper()]()
    work()
assert not _tracker.is_tracing() and not tracemalloc.is_tracing()
kept.clear()
before.clear()
import json
print(len(json.dumps(list(range(10000)))))
"""


# Lower case starts, upper case stops: t is tracemalloc, h is heapscope.
@pytest.mark.parametrize("order", ["thHT", "thTH", "htTH", "htHT"])
@pytest.mark.parametrize("allocator", ["pymalloc", "malloc", "pymalloc_debug"])
def test_any_order_with_tracemalloc_leaves_blocks_freeable(
    tmp_path: Path, order: str, allocator: str
) -> None:
    path = tmp_path / "out.hscope"
    ended = subprocess.run(
        [sys.executable, "-c", ORDERS, str(path), order],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONMALLOC": allocator},
    )
    assert (ended.stderr, ended.stdout, ended.returncode) == ("", "58890\n", 0)
    capture = Capture(path)
    assert capture.complete
    summary = assert_whole(capture)
    assert summary["peak_bytes"] > 600_000


CYCLES = """
import sys
from heapscope import _tracker
descriptors = len(__import__("os").listdir("/proc/self/fd"))
kept = []
for cycle in range(200):
    _tracker.start(sys.argv[1], overwrite=True)
    kept.append(bytearray(100_000))
    if cycle % 3 == 0:
        kept.clear()
    _tracker.stop()
assert len(__import__("os").listdir("/proc/self/fd")) == descriptors
with open("/proc/self/maps") as maps:
    text = maps.read()
assert "out.hscope" not in text
print(len(text.splitlines()) < 400)
"""


def test_two_hundred_starts_and_stops_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.hscope"
    ended = subprocess.run(
        [sys.executable, "-c", CYCLES, str(path)], capture_output=True, text=True, timeout=120
    )
    assert (ended.stderr, ended.stdout, ended.returncode) == ("", "True\n", 0)
    assert Capture(path).peak_bytes > 100_000

"""However a program ends, its capture reads back and its sums hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ground_truth import PROGRAMS, Recorded, assert_whole, command, depth_of, marks

from heapscope import Capture

KEPT = 1_234_567 + 1 + sys.getsizeof(bytearray())


def run_to_its_end(directory: Path, way: str) -> tuple[int, Recorded]:
    program = PROGRAMS / "ends.py"
    path = directory / "out.hscope"
    ended = subprocess.run(
        command(path, str(program), way), cwd=directory, capture_output=True, timeout=120
    )
    return ended.returncode, Recorded(program, Capture(path))


@pytest.mark.parametrize(
    ("way", "code", "complete"),
    [
        ("returns", 0, True),
        ("sys.exit", 7, True),
        ("recursion", 0, True),
        ("exception", 0, True),
        ("daemons", 0, True),
        ("_exit", 7, False),
        ("daemons and _exit", 7, False),
        ("SIGSEGV", 139, False),
        ("abort", 134, False),
        ("SIGKILL", 137, False),
        ("SIGTERM", 143, False),
        ("exec", 7, False),
    ],
)
def test_any_end_leaves_a_whole_capture(
    tmp_path: Path, way: str, code: int, complete: bool
) -> None:
    ended, recorded = run_to_its_end(tmp_path, way)
    assert ended == code
    assert recorded.capture.complete == complete
    assert_whole(recorded.capture)
    place = (str(recorded.program), marks(recorded.program)["kept"])
    rows = recorded.capture.table("line", "live")["rows"]
    assert [row["live_bytes"] for row in rows if (row["file"], row["line"]) == place] == [KEPT]


def test_an_exception_through_a_thousand_frames_has_a_thousand_frames(tmp_path: Path) -> None:
    _, recorded = run_to_its_end(tmp_path, "exception")
    assert depth_of(recorded.capture, "raise_from") == 1_001


def test_recursion_to_the_limit_is_recorded_to_the_limit(tmp_path: Path) -> None:
    _, recorded = run_to_its_end(tmp_path, "recursion")
    limit = sys.getrecursionlimit()
    assert limit - 20 < depth_of(recorded.capture, "recurse") <= limit
    assert recorded.capture.summary()["tracker"]["unwalkable_stacks"] == 0


def test_threads_that_outlive_the_interpreter_end_in_peace(tmp_path: Path) -> None:
    for _ in range(5):
        ended, recorded = run_to_its_end(tmp_path, "daemons")
        assert ended == 0
        assert_whole(recorded.capture)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_at_any_instant_leaves_a_whole_capture(tmp_path: Path, seed: int) -> None:
    count = 25
    subprocess.run(
        [sys.executable, str(PROGRAMS / "victims.py"), str(tmp_path), str(count), str(seed)],
        check=True,
        timeout=250,
    )
    peaks = set()
    for number in range(count):
        capture = Capture(tmp_path / f"{number}.hscope")
        assert not capture.complete
        peaks.add(assert_whole(capture)["peak_bytes"])
    assert len(peaks) > count // 2

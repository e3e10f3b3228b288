"""What a program can see of itself is the same whether it is recorded or not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ground_truth import PROGRAMS, assert_whole, both_ways, command

MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    "what",
    [
        "threads",
        "descriptors",
        "closed_descriptors",
        "unshare",
        "daemonise",
        "weak_references",
        "reference_counts",
        "error_numbers",
        "tracing",
        "monitoring",
    ],
)
def test_the_program_cannot_tell(tmp_path: Path, what: str) -> None:
    recorded, plain = both_ways(tmp_path, "unnoticed", what)
    assert recorded.output == plain
    assert_whole(recorded.capture)
    assert recorded.capture.complete


def test_a_fork_warns_of_no_thread(tmp_path: Path) -> None:
    recorded, plain = both_ways(tmp_path, "unnoticed", "fork", options=("-W", "error"))
    assert recorded.output == plain == "10\n"
    assert_whole(recorded.capture)


@pytest.mark.parametrize("what", ["execs", "sequential_threads"])
def test_what_comes_and_goes_leaves_nothing(tmp_path: Path, what: str) -> None:
    recorded, plain = both_ways(tmp_path, "unnoticed", what)
    grown = int(recorded.output) - int(plain)
    assert grown < MEBIBYTE, f"{grown:,} bytes more than unrecorded"
    assert_whole(recorded.capture)


def test_a_failed_allocation_stays_a_memory_error_that_can_be_handled(tmp_path: Path) -> None:
    program = str(PROGRAMS / "unnoticed.py")
    ended = subprocess.run(
        command(tmp_path / "out.hscope", program, "out_of_memory"), capture_output=True, text=True
    )
    errors = ["MemoryError()"] * 3 + ["limit"]
    assert (ended.stdout, ended.returncode) == (f"({errors}, True)\n", 0)
    # The tracker needs room too: what it could not record where there was none left is said.
    lines = ended.stderr.splitlines()
    assert lines == [] or (len(lines) == 1 and "events were lost" in lines[0])

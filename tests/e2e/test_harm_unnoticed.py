"""What a program can see of itself is the same whether it is recorded or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from ground_truth import assert_whole, both_ways

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
        "out_of_memory",
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

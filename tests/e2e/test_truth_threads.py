"""Sums are exact when many threads allocate and free each other's blocks, and around a fork."""

from __future__ import annotations

from pathlib import Path

import pytest
from ground_truth import Recorded, assert_whole, both_ways, compile_library, figures, record


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    directory = tmp_path_factory.mktemp("threads")
    return record(directory, "many_threads", str(compile_library(directory, "blocks")))


def test_blocks_that_threads_free_for_each_other_add_up(threads: Recorded) -> None:
    summary = assert_whole(threads.capture)
    assert summary["tracker"]["events_lost"] == 0
    bytes_, blocks, left_bytes, left_blocks = threads.told
    found = figures(
        [
            site
            for site in threads.sites
            if not site.stack and site.domain == "malloc" and site.thread != "MainThread"
        ]
    )
    assert found.allocated == (bytes_, blocks)
    assert found.live == (left_bytes, left_blocks)


def test_python_blocks_passed_between_threads_add_up(tmp_path: Path) -> None:
    recorded = record(tmp_path, "passing")
    assert_whole(recorded.capture)
    assert recorded.at("passed", "object", "mem").live == (recorded.told, 128)


def test_a_block_freed_in_another_thread_is_freed(threads: Recorded) -> None:
    here = threads.at("freed_elsewhere", "malloc")
    assert here.live == (0, 0)
    assert here.allocated == (321_000, 1_000)


def test_a_fork_in_the_middle_changes_nothing_for_parent_or_child(tmp_path: Path) -> None:
    recorded, plain = both_ways(tmp_path, "forking", options=("-W", "ignore"))
    assert recorded.output == plain
    assert_whole(recorded.capture)
    assert recorded.capture.complete
    for mark, size in (("before", 1_000_000), ("after", 2_000_000)):
        assert recorded.at(mark, "malloc").live == (size, 1)
    assert recorded.at("in_child").allocated == (0, 0)


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver", "subprocess"])
def test_processes_that_a_program_makes_work(tmp_path: Path, way: str) -> None:
    recorded, plain = both_ways(tmp_path, "processes", way)
    assert recorded.output == plain
    assert_whole(recorded.capture)
    assert [path.name for path in tmp_path.iterdir()] == ["out.hscope"]

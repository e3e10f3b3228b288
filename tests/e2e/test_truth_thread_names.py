"""A thread has its name in the capture, whoever made it, however long it lived."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from ground_truth import PROGRAMS, Recorded, command, compile_library, marks, record

from heapscope import Capture

HEADER = sys.getsizeof(b"")


def names(recorded: Recorded) -> dict[int, str]:
    """The size of each block that a thread kept, and the thread's name in the capture."""
    return {
        site.live_bytes // site.live_blocks - HEADER: site.thread
        for site in recorded.sites_at("kept", "object")
        if site.live_blocks == 1
    }


@pytest.mark.parametrize(
    "which",
    [
        "given",
        "default",
        "long_and_wide",
        "changed",
        "of_a_subclass",
        "without_thread_object",
        "together",
        "pool",
        "daemon",
    ],
)
def test_a_block_belongs_to_the_thread_of_its_name(tmp_path: Path, which: str) -> None:
    recorded = record(tmp_path, "thread_names", which)
    assert len(recorded.told) > 1
    assert names(recorded) == recorded.told


def test_a_killed_program_leaves_the_names_of_its_threads(tmp_path: Path) -> None:
    program = PROGRAMS / "thread_names.py"
    path = tmp_path / "out.hscope"
    ended = subprocess.run(
        command(path, str(program), "killed"), capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 137
    recorded = Recorded(program, Capture(path), ended.stdout)
    assert names(recorded) == ast.literal_eval(ended.stdout)


@pytest.mark.parametrize(
    ("which", "name"),
    [
        ("in_turn", "turn-0 … turn-59 (60 threads, one after another)"),
        ("two_in_turn", "one, then two"),
    ],
)
def test_threads_that_take_turns_are_named_together(tmp_path: Path, which: str, name: str) -> None:
    recorded = record(tmp_path, "thread_names", which)
    place = (str(recorded.program), marks(recorded.program)["kept"])
    threads = {site.thread for site in recorded.sites if (site.file, site.line) == place}
    assert threads == {"MainThread", name}


@pytest.mark.parametrize("which", ["native_that_ended", "native_that_stays"])
def test_a_thread_of_another_maker_has_the_name_that_the_kernel_knows(
    tmp_path: Path, which: str
) -> None:
    library = compile_library(tmp_path, "blocks")
    recorded = record(tmp_path, "thread_names", which, str(library))
    found = {
        site.live_bytes: site.thread
        for site in recorded.sites
        if site.domain == "malloc" and not site.stack
    }
    told = {size: name for size, name in recorded.told.items() if name != "MainThread"}
    assert {size: found.get(size) for size in told} == told

"""Programs that take snapshots of their own heap: at the end, on a signal, at a MemoryError."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heapscope import _analysis
from heapscope.cli import heap_run
from heapscope.cli.command_error import CommandError

PROGRAM = """
import sys
class Lesson:
    pass
kept = [Lesson() for _ in range(1000)]
if "error" in sys.argv:
    try:
        bytearray(1 << 60)
    except MemoryError:
        del kept[10:]
if "wait" in sys.argv:
    print("ready", flush=True)
    sys.stdin.read()
sys.exit(3)
"""


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """A supervisor leaves them blocked, which programs that are started later would inherit."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return str(path)


def options(**given: object) -> argparse.Namespace:
    asked = {"at_exit": False, "at_peak": False, "on_memory_error": False, "on_signal": None}
    return argparse.Namespace(**asked | {"quiet": True} | given)


def lessons(path: str) -> int:
    graph = _analysis.HeapGraph(path)
    rows = graph.partition(graph.everything(), "type")
    return sum(row["count"] for row in rows if row["kind"].endswith("Lesson"))


def test_a_program_leaves_a_snapshot_of_its_end_and_its_exit_code(program: str) -> None:
    with heap_run.ran([program], options()) as ran:
        assert ran.exit_code == 3
        assert ran.path is not None
        assert lessons(ran.path) == 1000
        kept = ran.path
    assert not Path(kept).exists()


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="MemoryErrors are made there where nobody is told of it"
)
def test_the_first_memory_error_is_shown_rather_than_the_end(program: str) -> None:
    with heap_run.ran([program, "error"], options(on_memory_error=True, at_exit=True)) as ran:
        assert lessons(ran.files["memory-error"]) == 1000
        assert lessons(ran.files["exit"]) == 10
        assert ran.path == ran.files["memory-error"]


def test_a_running_process_is_asked_as_often_as_one_likes(program: str, tmp_path: Path) -> None:
    base = tmp_path / "heap"
    number = heap_run.number_of_signal("USR2")
    environment = {
        **os.environ,
        "HEAPSCOPE_RUN": "n:",
        "HEAPSCOPE_HEAP": f"signal={number}:{base}",
    }
    with subprocess.Popen(
        [sys.executable, program, "wait"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(2):
            with heap_run.asked(process.pid) as path:
                assert lessons(path) == 1000
        process.communicate()
    assert process.returncode == 3


def test_a_process_that_was_not_started_so_is_refused() -> None:
    with pytest.raises(CommandError, match="not started with --on-signal"):
        heap_run.asked(os.getpid())


def test_a_signal_that_cannot_be_handled_is_refused() -> None:
    assert heap_run.number_of_signal("SIGUSR1") == signal.SIGUSR1
    for name in ("KILL", "STOP", "NONSENSE", "9999"):
        with pytest.raises(CommandError, match="there is no signal"):
            heap_run.number_of_signal(name)


def test_run_keeps_snapshots_beside_its_capture(program: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "heapscope", "run", "-o", "w.hscope", "--at-exit", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "heap snapshot: w.exit.hsnap" in done.stderr
    assert lessons(str(tmp_path / "w.exit.hsnap")) == 1000

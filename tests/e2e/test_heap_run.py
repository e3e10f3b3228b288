"""Programs that take snapshots of their own heap: at the end, on a signal, at a MemoryError."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import heapscope
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


def test_the_first_memory_error_is_shown_rather_than_the_end(program: str) -> None:
    with heap_run.ran([program, "error"], options(on_memory_error=True, at_exit=True)) as ran:
        assert lessons(ran.files["memory-error"]) == 1000
        assert lessons(ran.files["exit"]) == 10
        assert ran.path == ran.files["memory-error"]


GROWING = """
made = []
for number in range(400_000):
    made.append([number])
kept = [{number: number} for number in range(100_000)]
del made
"""


def test_the_snapshot_at_the_peak_is_near_it_however_fast_the_heap_grows(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "growing.py"
    path.write_text(GROWING)
    with heap_run.ran([str(path)], options(at_peak=True, quiet=False)) as ran:
        assert ran.exit_code == 0
    said = re.search(r"([0-9.]+) % below the peak", capfd.readouterr().err)
    assert said is None or float(said[1]) < 15


ERRORS = """
import sys, types
class Lesson:
    pass
def fail():
    lessons = [Lesson() for _ in range(1000)]
    {fails}
try:
    fail()
except MemoryError as error:
    print(type(error).__name__, file=sys.stderr)
    assert error.__traceback__.tb_next.tb_frame.f_code is fail.__code__
try:
    fail()
except MemoryError:
    pass
monitoring = getattr(sys, "monitoring", types.SimpleNamespace(get_tool=lambda id: None))
assert [monitoring.get_tool(id) for id in range(6)] == [None] * 6
"""


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("MemoryError", "bytearray(1 << 60)"),  # the allocator says no
        ("MemoryError", "lessons * sys.maxsize"),  # nobody asks it
        ("MemoryError", "raise MemoryError"),
        ("MemoryError", "sum(bytearray(1 << 60) for _ in 'x')"),
        ("OwnError", "raise type('OwnError', (MemoryError,), {})('own')"),
    ],
)
def test_whatever_makes_a_memory_error_the_frame_that_met_it_is_in_the_snapshot(
    tmp_path: Path, name: str, fails: str
) -> None:
    program = tmp_path / "fails.py"
    program.write_text(ERRORS.replace("{fails}", fails))
    kept = tmp_path / "kept.hsnap"
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "heap", "--on-memory-error", "-o", str(kept), "--paths",
         "Lesson", str(program)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, f"{name}\n")
    assert lessons(str(kept)) == 1000
    # Up to 3.11 the exception may be made when the frame has ended: its traceback holds that then.
    assert "fail>.lessons[" in ended.stdout or ".tb_frame.f_locals['lessons'][" in ended.stdout


def test_a_memory_error_that_ends_the_program_is_a_reason_too(program: str) -> None:
    with heap_run.ran(
        ["-c", f"exec(open({program!r}).read().replace('except Memory', 'except Key'))", "error"],
        options(on_memory_error=True),
    ) as ran:
        assert ran.exit_code == 1
        assert lessons(ran.files["memory-error"]) == 1000


TIGHT = """
import resource, sys
kept = [bytes(1000) for _ in range(30_000)]
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
limit = size + (1 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit if sys.argv[1] == "hard" else -1))
try:
    while True:
        kept.append(bytes(1000))
except MemoryError:
    print("caught")
"""


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_where_the_address_space_is_used_up_the_copy_does_it_or_says_why(
    tmp_path: Path, kind: str
) -> None:
    kept = tmp_path / "kept.hsnap"
    program = tmp_path / "tight.py"
    program.write_text(TIGHT)
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "heap", "--on-memory-error", "-o", str(kept),
         str(program), kind],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ended.stdout.startswith("caught\n")
    if kind == "soft":  # the copy of the process may go as far as the hard limit
        assert ended.stderr == ""
        graph = _analysis.HeapGraph(str(kept))
        rows = graph.partition(graph.everything(), "type")
        assert max(row["count"] for row in rows if row["kind"] == "bytes") > 30_000
    else:
        first, second = ended.stderr.splitlines()
        assert first.startswith("heapscope: no heap snapshot at the MemoryError: ")
        assert second.startswith("heapscope: no snapshot: ")
        assert not kept.exists()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="nothing has to be free before 3.12")
def test_where_other_tools_have_the_ids_it_says_so() -> None:
    from heapscope import _tracker

    monitoring = sys.monitoring  # type: ignore[attr-defined]
    try:
        for tool in (3, 4):
            monitoring.use_tool_id(tool, "another")
        with pytest.raises(RuntimeError, match="other tools use the ids 3 and 4"):
            _tracker.heap_triggers(on_memory_error="never")
    finally:
        for tool in (3, 4):
            monitoring.free_tool_id(tool)
        _tracker.heap_finish()


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


@pytest.fixture
def starter(program: str) -> Iterator[int]:
    """Who started a program that waits: the pid that a shell knows."""
    with subprocess.Popen(
        [sys.executable, "-m", "heapscope", "heap", "--on-signal", "--json", program, "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate()


def test_nothing_of_ours_is_new_at_the_second_signal(starter: int) -> None:
    with heap_run.asked(starter) as first, heap_run.asked(starter) as second:
        new = heapscope.Heap.load(second).relative_to(heapscope.Heap.load(first))
        assert "_on_signal" not in repr(new.paths(1000))


def test_who_started_the_program_may_be_asked_for_it(starter: int) -> None:
    with heap_run.asked(starter) as path:
        assert lessons(path) == 1000


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

"""`heapscope.memory_usage`: the results of memory_profiler's, and right where those were not."""

from __future__ import annotations

import ctypes
import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from allocating_program import AllocatingProgram

from heapscope import memory_usage
from heapscope.timeline.dat_reader import read

MIB = 1048576


def allocate(a: int, n: int = 100) -> list[int]:
    return [a] * n


@pytest.mark.one_version
def test_the_documented_example_of_a_process() -> None:
    usage = memory_usage(-1, interval=0.02, timeout=0.1)
    assert len(usage) == 5
    assert all(isinstance(each, float) and 1 < each < 10_000 for each in usage)


EXAMPLE_OF_A_FUNCTION = """
from heapscope import memory_usage

def allocate(a, n=100):
    return [a] * n

print(*memory_usage((allocate, (1,), {"n": int(4e6)})))
"""


def test_the_documented_example_of_a_function() -> None:
    # In a process of its own: where malloc holds free memory of earlier tests nothing would grow.
    printed = subprocess.run(
        [sys.executable, "-c", EXAMPLE_OF_A_FUNCTION], capture_output=True, text=True, timeout=60
    )
    assert printed.returncode == 0, printed.stderr
    usage = [float(each) for each in printed.stdout.split()]
    assert len(usage) >= 2
    assert max(usage) - usage[0] > 30


@pytest.mark.one_version
def test_the_shapes_of_results() -> None:
    assert memory_usage((allocate, (7,)), retval=True)[1] == [7] * 100
    assert isinstance(memory_usage(lambda: 1, max_usage=True), float)
    assert isinstance(memory_usage([allocate, (1,)], max_usage=True), float)
    highest, value = memory_usage((allocate, (1,)), max_usage=True, retval=True, timestamps=True)
    assert (len(highest), value) == (2, [1] * 100)
    assert all(len(each) == 2 for each in memory_usage((allocate, (1,)), timestamps=True))
    assert isinstance(memory_usage("x = [0] * 1000"), list)
    assert len(memory_usage(os.getpid())) == len(memory_usage(str(os.getpid()))) == 1
    assert memory_usage(-1, timestamps=True)[0][1] > 1.7e9


@pytest.mark.one_version
def test_a_function_is_called_once_however_short_it_is() -> None:
    calls: list[int] = []
    memory_usage((calls.append, (1,)), interval=10)
    assert calls == [1]


@pytest.mark.one_version
def test_what_the_function_raises_comes_through_and_no_child_is_killed() -> None:
    def fail() -> None:
        raise ZeroDivisionError("mine")

    with AllocatingProgram() as child:
        with pytest.raises(ZeroDivisionError, match="mine"):
            memory_usage(fail, include_children=True)
        with pytest.raises(SystemExit):
            memory_usage((sys.exit, (3,)))
        assert child.process.poll() is None


@pytest.mark.one_version
def test_a_temporary_inside_one_call_is_in_the_maximum() -> None:
    def temporary() -> int:
        return len(bytearray(300 * MIB))

    before = memory_usage(-1)[0]
    usage = memory_usage(temporary, interval=60)
    assert max(usage) - before > 299
    assert usage[-1] - before < 50


@pytest.mark.one_version
def test_a_c_call_that_holds_the_gil_blinds_nobody() -> None:
    sleep = ctypes.PyDLL(None).usleep
    entered: list[float] = []

    def hold() -> None:
        import time

        entered.append(time.time())
        sleep(400_000)
        entered.append(time.time())

    points = memory_usage(hold, interval=0.02, timestamps=True)
    start, end = entered
    assert sum(start < at < end for _, at in points) >= 2


@pytest.mark.one_version
def test_children_are_added_or_told_apart_and_the_watcher_is_none() -> None:
    alone = memory_usage((allocate, (1,)), include_children=True)
    assert alone[0] == pytest.approx(memory_usage(-1)[0], abs=3)
    with AllocatingProgram() as child:
        child.tell("hold it 50")
        of_child = memory_usage(child.process.pid)[0]
        together = memory_usage(-1, include_children=True)[0]
        assert together == pytest.approx(memory_usage(-1)[0] + of_child, abs=3)
        nested = memory_usage((allocate, (1,)), multiprocess=True)
        assert all(len(each) == 2 for each in nested[:1])
        assert nested[0][1] == pytest.approx(of_child, abs=1)
        ((own, other),) = memory_usage(-1, multiprocess=True)
        assert (own, other) == pytest.approx((memory_usage(-1)[0], of_child), abs=3)


@pytest.mark.one_version
def test_a_popen_is_watched_until_it_ends() -> None:
    code = "b = bytearray(40 << 20); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        found: list[float] = []
        thread = threading.Thread(
            target=lambda: found.append(memory_usage(process, interval=0.01, max_usage=True))
        )
        thread.start()
        process.communicate(b"\n")
        thread.join()
    assert found[0] > 40


@pytest.mark.one_version
def test_a_stream_gets_the_lines_of_a_dat_file(tmp_path: Path) -> None:
    stream = io.StringIO()
    assert memory_usage((allocate, (1,)), stream=stream, multiprocess=True) is None
    path = tmp_path / "x.dat"
    path.write_text(stream.getvalue())
    timeline = read(str(path))
    assert len(timeline.total) >= 2
    assert timeline.damaged_lines == 0


@pytest.mark.one_version
@pytest.mark.parametrize("backend", ["psutil", "psutil_pss", "psutil_uss", "posix", None])
def test_every_size_of_memory_profiler_is_there(backend: str | None) -> None:
    (size,) = memory_usage(-1, backend=backend)
    assert 1 < size <= memory_usage(-1)[0] + 5


@pytest.mark.one_version
def test_wrong_use_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="tracemalloc"):
        memory_usage(-1, backend="tracemalloc")
    with pytest.raises(ValueError, match="backend"):
        memory_usage(-1, backend="nosuch")
    with pytest.raises(ValueError, match="interval"):
        memory_usage(-1, interval=0)
    wrong: tuple[object, ...] = ((), (1, 2), (allocate, (), {}, 4), 3.5, None)
    for proc in wrong:
        with pytest.raises(ValueError, match="proc"):
            memory_usage(proc)
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    with pytest.raises(ProcessLookupError):
        memory_usage(gone.pid)
    with pytest.raises(ProcessLookupError):
        memory_usage(gone.pid, timeout=1, max_usage=True)

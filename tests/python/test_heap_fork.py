"""Snapshots that are taken in a copy of the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from heapscope import _analysis, _tracker

PROGRAM_UNDER_LOAD = """
import json, os, signal, sys, threading, zlib
from heapscope import _tracker
signals = []
signal.signal(signal.SIGCHLD, lambda *_: signals.append(1))
at_fork = []
os.register_at_fork(before=lambda: at_fork.append(1), after_in_child=lambda: at_fork.append(1))
try:
    import numpy
except ImportError:
    numpy = None
stop = False
leave = threading.Event()
def load():
    block = os.urandom(50_000)
    while not stop:
        zlib.compress(block, 1)
        [bytes(3000 + index) for index in range(50)]
        leave.wait(0.01)
        if numpy is not None:
            table = numpy.random.rand(40, 40)
            table @ table
threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
kept = [{"index": index} for index in range(1000)]
done = visible = 0
for _ in range(int(sys.argv[2])):
    figures = _tracker.heap_write(sys.argv[1], fork=True, fingerprints=False)
    done += figures["objects"] > 10_000
    try:
        visible += os.waitpid(-1, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        pass
stop = True
child = os.posix_spawn("/bin/true", ["true"], {})
reaped = os.waitpid(-1, 0)[0] == child
print(json.dumps([done, visible, len(signals), len(at_fork), reaped]))
"""


@pytest.mark.one_version
def test_two_hundred_copies_under_load_end_and_nobody_sees_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM_UNDER_LOAD, str(tmp_path / "x.hsnap"), "200"],
        capture_output=True,
        text=True,
        check=True,
    )
    # One SIGCHLD and one child: those of the program's own.
    assert json.loads(done.stdout) == [200, 0, 1, 0, True]


def test_a_forked_snapshot_is_that_of_the_moment_of_the_call(tmp_path: Path) -> None:
    class Marker:
        pass

    kept = [Marker() for _ in range(10)]
    path = tmp_path / "x.hsnap"
    figures = _tracker.heap_write(str(path), fork=True)
    graph = _analysis.HeapGraph(str(path))
    found = [graph.object(each) for each in graph.at_addresses([id(each) for each in kept])]
    assert all(each["type"].endswith("Marker") for each in found)
    assert graph.object_count == figures["objects"]
    assert graph.total_bytes == figures["total_bytes"]
    assert graph.info["forked"] == "1"
    assert int(graph.info["pid"]) == os.getpid()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_an_os_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _tracker.heap_write(str(tmp_path / "no" / "x.hsnap"), fork=True)
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, sys
from heapscope import _tracker
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
size = int(status["VmSize"].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + (4 << 20), size + (4 << 20)))
try:
    _tracker.heap_write(sys.argv[1], fork=True)
except MemoryError as error:
    print(error)
"""


def test_it_gives_up_with_one_line_where_address_space_is_too_tight(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "x.hsnap")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "memory is too tight for a forked snapshot" in done.stdout
    assert "ulimit -v" in done.stdout
    assert done.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_the_program_put_into_sys_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "getallocatedblocks", lambda: os._exit(3))
    assert _tracker.heap_write(str(tmp_path / "x.hsnap"), fork=True)["objects"] > 10_000


BIRTHS = """
import json, sys, heapscope
from heapscope import _tracker
class Lesson:
    def __init__(self, number):
        self.name = "lesson " + str(number)
def make():
    return [Lesson(number) for number in range(100)]
heapscope.start()
kept = make()
_tracker.heap_write(sys.argv[1], fork=sys.argv[2] == "fork")
print(json.dumps([[id(each), id(each.name)] for each in kept]))
heapscope.stop()
"""


@pytest.mark.parametrize("how", ["here", "fork"])
def test_every_object_knows_the_stack_that_allocated_it(tmp_path: Path, how: str) -> None:
    path = tmp_path / "x.hsnap"
    done = subprocess.run(
        [sys.executable, "-c", BIRTHS, str(path), how], capture_output=True, text=True, check=True
    )
    graph = _analysis.HeapGraph(str(path))
    assert graph.info["tracked"] == "1"
    for lesson, name in json.loads(done.stdout)[5:]:
        of_lesson, of_name = (graph.object(each) for each in graph.at_addresses([lesson, name]))
        stacks = [
            [(frame["function"], frame["line"]) for frame in each["birth"]["stack"]]
            for each in (of_lesson, of_name)
        ]
        assert stacks[0][:2] == [("<module>", 10), ("make", 8)]
        # Code objects know their qualified name from 3.11 on.
        assert stacks[1][-1] in {("Lesson.__init__", 6), ("__init__", 6)}


def test_untracked_objects_have_no_birth(tmp_path: Path) -> None:
    path = tmp_path / "x.hsnap"
    _tracker.heap_write(str(path))
    graph = _analysis.HeapGraph(str(path))
    assert graph.info["tracked"] == "0"
    assert graph.object(graph.object_count // 2)["birth"] is None

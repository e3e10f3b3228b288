"""`heapscope timeline` and `heapscope mprof` as they are used: programs recorded and drawn."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heapscope.timeline.dat_reader import Timeline, read

pytestmark = pytest.mark.one_version

MIB = 1048576
VERBS = ("timeline", "mprof")


def heapscope(
    directory: Path, *arguments: object, **options: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heapscope", *map(str, arguments)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        **options,  # type: ignore[call-overload]
    )


def recorded(directory: Path, program: str, *options: object, verb: str = "timeline") -> Timeline:
    (directory / "work.py").write_text(program)
    done = heapscope(directory, verb, "run", "-o", "work.dat", *options, "work.py")
    assert done.returncode == 0, done.stderr
    return read(str(directory / "work.dat"))


def wait_for_a_sample(path: Path) -> None:
    """Return when another process has written one; it tells nobody when."""
    while not path.exists() or b"MEM" not in path.read_bytes():
        time.sleep(0.02)


def test_the_last_maximum_is_known_however_large_the_caller_is(tmp_path: Path) -> None:
    """A process that is started begins with its parent's ``ru_maxrss``."""
    (tmp_path / "work.py").write_text("bytearray(60 << 20)\n")
    caller = (
        "import subprocess, sys\n"
        "large = bytearray(300 << 20)\n"
        "subprocess.run([sys.executable, '-m', 'heapscope', 'timeline', 'run', '-T', '60', '-o',"
        " 'x.dat', 'work.py'], check=True)\n"
    )
    subprocess.run([sys.executable, "-c", caller], cwd=tmp_path, check=True, timeout=60)
    peak = read(str(tmp_path / "x.dat")).peak()
    assert peak is not None
    assert 60 * MIB < peak[1] < 150 * MIB


@pytest.mark.parametrize("verb", VERBS)
def test_a_spike_shorter_than_the_interval_is_not_missed(tmp_path: Path, verb: str) -> None:
    program = "held = bytearray(5 << 20)\nbytearray(60 << 20)\nprint(len(held))\n"
    timeline = recorded(tmp_path, program, "-T", 60, verb=verb)
    peak = timeline.peak()
    assert peak is not None
    assert peak[1] > 65 * MIB
    assert timeline.start <= peak[0] <= float(timeline.info["ended"])


def test_what_a_child_needed_is_not_the_programs_own(tmp_path: Path) -> None:
    program = "import subprocess, sys\n"
    program += "subprocess.run([sys.executable, '-c', 'bytearray(200 << 20)'], check=True)\n"
    alone = recorded(tmp_path, program, "-T", 60).peak()
    assert alone is not None
    assert alone[1] < 100 * MIB


@pytest.mark.parametrize("verb", VERBS)
def test_any_program_is_recorded_and_its_exit_code_passed_on(tmp_path: Path, verb: str) -> None:
    run = ["run", "-o", "x.dat", "--force"]
    for program, code in (
        (["sh", "-c", "echo out; echo err >&2; exit 7"], 7),
        (["sh", "-c", "kill -TERM $$"], 128 + signal.SIGTERM),
        ([sys.executable, "-c", "print('out'); import sys; sys.exit('err')"], 1),
        (["-c", "import sys; print('out'); print('err', file=sys.stderr)"], 0),
        (["-mjson.tool", "--help"], 0),
    ):
        done = heapscope(tmp_path, verb, *run, *program)
        assert done.returncode == code, done.stderr
        if "out" in str(program):
            assert done.stdout == "out\n"
            assert "err\n" in done.stderr
        assert read(str(tmp_path / "x.dat")).info["exit_status"] in (str(code), "-15")


def test_what_cannot_be_started_is_one_line_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    for program in (["nosuch"], ["nosuch.py"], ["./text"], ["."], ["-m"], [], ["-T", "0", "ls"]):
        for verb in VERBS:
            done = heapscope(tmp_path, verb, "run", *program)
            assert done.returncode == 2, program
            assert done.stdout == ""
            assert len(done.stderr.splitlines()) == 1, done.stderr
    assert os.listdir(tmp_path) == ["text"]


def test_signals_reach_the_program_and_the_file_is_whole(tmp_path: Path) -> None:
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(11))\n"
        "print('ready', flush=True)\nsignal.pause()\n"
    )
    (tmp_path / "work.py").write_text(program)
    with subprocess.Popen(
        [sys.executable, "-m", "heapscope", "timeline", "run", "-o", "x.dat", "work.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    assert running.returncode == 11
    timeline = read(str(tmp_path / "x.dat"))
    assert timeline.info["exit_status"] == "11"
    assert timeline.damaged_lines == 0


SPANS = """
import os, threading
@profile
def inner(n):
    return bytearray(n << 20)
@profile
def outer():
    return inner(20), inner(30)
kept = outer()
thread = threading.Thread(target=inner, args=(1,))
thread.start(); thread.join()
from heapscope.timeline import spans
spans.mark("kept it")
"""


def test_what_the_program_imports_from_heapscope_is_on_the_timeline_too(tmp_path: Path) -> None:
    program = SPANS.replace("import os", "from heapscope import mark, profile\nimport os", 1)
    program = program.replace("from heapscope.timeline import spans\nspans.mark", "mark")
    timeline = recorded(tmp_path, program)
    assert [span.name for span in timeline.spans_of("inner")] == ["__main__.inner"] * 3
    assert [mark.label for mark in timeline.marks] == ["kept it"]
    (outer,) = timeline.spans_of("outer")
    assert (outer.end_size or 0) - outer.start_size > 49 * MIB


@pytest.mark.parametrize("verb", VERBS)
def test_calls_are_on_the_clock_of_the_samples_and_nest(tmp_path: Path, verb: str) -> None:
    timeline = recorded(tmp_path, SPANS, verb=verb)
    outer = timeline.spans_of("outer")[0]
    first, second, threaded = timeline.spans_of("inner")
    assert [outer.level, first.level, second.level, threaded.level] == [0, 1, 1, 0]
    assert outer.thread == first.thread == second.thread != threaded.thread
    assert outer.end is not None
    assert first.end is not None
    assert outer.start <= first.start <= first.end <= second.start <= outer.end <= threaded.start
    assert (outer.end_size or 0) - outer.start_size > 49 * MIB
    (mark,) = timeline.marks
    assert mark.label == "kept it"
    assert timeline.total.times[0] <= outer.start
    assert mark.at <= float(timeline.info["ended"])
    assert not timeline.damaged_lines


def test_a_killed_program_leaves_its_open_calls(tmp_path: Path) -> None:
    program = SPANS + "@profile\ndef last():\n    os.kill(os.getpid(), 9)\nlast()\n"
    (tmp_path / "work.py").write_text(program)
    done = heapscope(tmp_path, "timeline", "run", "-o", "x.dat", "work.py")
    assert done.returncode == 128 + 9
    timeline = read(str(tmp_path / "x.dat"))
    assert [span.name for span in timeline.spans if span.end is None] == ["__main__.last"]
    assert timeline.damaged_lines == 0


POOL = """
import multiprocessing
@profile
def work(size):
    return len(bytearray(size << 20))
if __name__ == "__main__":
    with multiprocessing.get_context("{}").Pool(2) as pool:
        assert pool.map(work, [30, 40], chunksize=1) == [30 << 20, 40 << 20]
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_works_and_the_calls_of_its_processes_are_there(tmp_path: Path, method: str) -> None:
    timeline = recorded(tmp_path, POOL.format(method), "-C", "-M", "-T", "0.02")
    calls = timeline.spans_of("work")
    assert len(calls) == 2
    assert {str(call.process) for call in calls}.isdisjoint({timeline.info["process"]})
    assert {call.process for call in calls} <= timeline.kin


def test_builtins_are_left_alone_where_there_is_no_python_asked_for(tmp_path: Path) -> None:
    code = "import builtins; print(hasattr(builtins, 'profile'))"
    (tmp_path / "work.py").write_text(f"#!{sys.executable}\n{code}\n")
    os.chmod(tmp_path / "work.py", 0o755)
    done = heapscope(tmp_path, "mprof", "run", "--nopython", "./work.py")
    assert done.stdout == "False\n"
    done = heapscope(tmp_path, "mprof", "run", "./work.py")
    assert done.stdout == "True\n"
    done = heapscope(tmp_path, "mprof", "run", "--python", sys.executable, "work.py")
    assert done.stdout == "True\n"
    (tmp_path / "amodule.py").write_text(code)
    done = heapscope(tmp_path, "mprof", "run", "--python", "amodule", "ARG")
    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    "verb", [("timeline", "attach"), ("mprof", "attach"), ("mprof", "run", "-a")]
)
def test_a_running_process_is_recorded_until_it_ends(tmp_path: Path, verb: tuple[str, ...]) -> None:
    code = "b = bytearray(25 << 20); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as target:
        assert target.stdout is not None and target.stdin is not None
        target.stdout.readline()
        with subprocess.Popen(
            [sys.executable, "-m", "heapscope", *verb, "-o", "x.dat", str(target.pid)],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
        ) as watching:
            wait_for_a_sample(tmp_path / "x.dat")
            target.stdin.close()
            _, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err
    timeline = read(str(tmp_path / "x.dat"))
    assert timeline.total.peak()[1] > 25 * MIB
    assert "bytearray(25 << 20)" in (timeline.command or "")


def test_a_process_is_found_by_its_name(tmp_path: Path) -> None:
    name = f"hs{os.getpid()}"  # of at most 15 letters
    program = tmp_path / name
    shutil.copy(shutil.which("cat") or "/bin/cat", program)
    targets = [subprocess.Popen([program], stdin=subprocess.PIPE) for _ in range(2)]
    try:
        options = ["-o", "x.dat", "--timeout", "0"]
        both = heapscope(tmp_path, "timeline", "attach", *options, name)
        assert both.returncode == 2
        assert "2 processes are called" in both.stderr
        first = heapscope(tmp_path, "mprof", "attach", *options, name)  # as mprof does
        assert first.returncode == 0
        assert read(str(tmp_path / "x.dat")).info["process"] == str(min(t.pid for t in targets))
        targets.pop().communicate()
        part = heapscope(tmp_path, "timeline", "attach", *options, "--force", name[:-1])
        assert part.returncode == 0, part.stderr
    finally:
        for target in targets:
            target.communicate()


def test_a_process_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    for hint in (str(gone.pid), "no-such-name-at-all", "0", "99999999999999999999"):
        for verb in (("timeline", "attach"), ("mprof", "attach"), ("monitor",)):
            done = heapscope(tmp_path, *verb, hint)
            assert done.returncode == 2, (verb, hint)
            assert (done.stdout, len(done.stderr.splitlines())) == ("", 1), done.stderr
    assert os.listdir(tmp_path) == []


def test_an_interrupt_ends_the_watching_not_the_process(tmp_path: Path) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as target:
        with subprocess.Popen(
            [
                sys.executable,
                "-m",
                "heapscope",
                "timeline",
                "attach",
                "-o",
                "x.dat",
                str(target.pid),
            ],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
        ) as watching:
            wait_for_a_sample(tmp_path / "x.dat")
            watching.send_signal(signal.SIGINT)
            _, err = watching.communicate(timeout=60)
        assert watching.returncode == 130
        assert b"Traceback" not in err
        assert target.poll() is None
        target.communicate()
    assert "ended" in read(str(tmp_path / "x.dat")).info


def test_a_capture_is_made_beside_and_names_the_line_of_the_peak(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        "def load():\n    return bytearray(30 << 20)\nkept = load()\n"
    )
    options = ["--capture", "work.hscope", "-o", "work.dat"]
    done = heapscope(tmp_path, "timeline", "run", *options, "work.py")
    assert done.returncode == 0, done.stderr
    from heapscope.timeline.beside import capture_beside, line_of_peak

    capture = capture_beside(read(str(tmp_path / "work.dat")))
    assert capture is not None
    line = line_of_peak(capture) or ""
    assert line.endswith("work.py:2")
    assert "of the heap from load" in line
    drawn = heapscope(tmp_path, "timeline", "plot", "work.dat", "-o", "work.svg")
    assert drawn.returncode == 0, drawn.stderr
    assert "% of the heap from load() at work.py:2" in (tmp_path / "work.svg").read_text()
    other = tmp_path / "other.dat"
    other.write_text("MEM 1.0 1000.0\nINFO process 1\n")
    assert capture_beside(read(str(other))) is None
    done = heapscope(tmp_path, "timeline", "run", *options, "--force", "sh", "-c", ":")
    assert done.returncode == 2


def test_the_figures_are_json_where_that_is_asked_for(tmp_path: Path) -> None:
    timeline = recorded(tmp_path, SPANS)
    done = heapscope(tmp_path, "timeline", "peak", "--json", "--func", "outer", "work.dat")
    (row,) = json.loads(done.stdout)["rows"]
    peak = timeline.peak("outer")
    assert peak is not None
    assert row["peak_bytes"] == int(peak[1])
    assert json.loads(heapscope(tmp_path, "timeline", "list", "--json").stdout)["rows"] == []

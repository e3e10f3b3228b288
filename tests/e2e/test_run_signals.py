"""Signals and the terminal: the supervisor is as good as not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heapscope import Capture

READY = b"ready\n"


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return tmp_path / "out.hscope"


def start(capture: Path, source: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start a program under heapscope; it prints READY when it waits for what comes."""
    recorder = [sys.executable, "-m", "heapscope", "run", "-q", "-o", str(capture)]
    process = subprocess.Popen(
        [*recorder, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    assert process.stdout.readline() == READY
    return process


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def program_of(process: subprocess.Popen[bytes]) -> int:
    """Return the process id of the recorded program: the supervisor's first child."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0])


def state_of(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


# A signal that comes just before the wait must end it as well: its number is in a pipe by then.
COUNT_ONE = """
import os, signal, sys
counted = []
numbers, where_to = os.pipe()
os.set_blocking(where_to, False)
signal.set_wakeup_fd(where_to)
signal.signal(signal.NAME, lambda number, frame: counted.append(number))
print("ready", flush=True)
while not counted:
    os.read(numbers, 1)
sys.stdin.readline()
print([signal.Signals(number).name for number in counted])
"""


@pytest.mark.parametrize(
    "name", ["SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGINT"]
)
def test_a_signal_to_the_supervisor_reaches_the_program_once(capture: Path, name: str) -> None:
    process = start(capture, COUNT_ONE.replace("NAME", name))
    process.send_signal(getattr(signal, name))
    assert finish(process) == (0, f"['{name}']\n".encode(), b"")
    assert Capture(capture).complete


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT", "SIGCONT"])
def test_a_signal_to_the_group_reaches_the_program_once(capture: Path, name: str) -> None:
    process = start(capture, COUNT_ONE.replace("NAME", name), start_new_session=True)
    os.killpg(process.pid, getattr(signal, name))
    process.send_signal(signal.SIGWINCH)  # a second one, so that the first has been dealt with
    assert finish(process) == (0, f"['{name}']\n".encode(), b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_that_ends_the_program_gives_128_and_its_number(
    capture: Path, number: signal.Signals
) -> None:
    process = start(capture, "import signal; print('ready', flush=True); signal.pause()")
    process.send_signal(number)
    assert finish(process)[0] == 128 + number
    recorded = Capture(capture)
    assert not recorded.complete
    assert recorded.metadata["exit_status"] == str(-number)


def test_an_interrupt_of_the_group_is_the_programs_to_handle(capture: Path) -> None:
    source = """
import sys
try:
    print("ready", flush=True)
    sys.stdin.readline()
except KeyboardInterrupt:
    print("cleaning up")
    sys.exit(5)
"""
    process = start(capture, source, start_new_session=True)
    os.killpg(process.pid, signal.SIGINT)
    code, stdout, _ = finish(process)
    assert (code, stdout) == (5, b"cleaning up\n")
    assert Capture(capture).complete


def test_an_unhandled_interrupt_gives_130_and_the_programs_traceback(capture: Path) -> None:
    source = "import sys; print('ready', flush=True); sys.stdin.readline()"
    process = start(capture, source, start_new_session=True)
    os.killpg(process.pid, signal.SIGINT)
    code, _, stderr = finish(process)
    assert code == 130
    assert stderr.endswith(b"KeyboardInterrupt\n")
    assert stderr.count(b"Traceback") == 1


def test_the_program_goes_on_when_the_supervisor_is_killed(capture: Path, tmp_path: Path) -> None:
    done = tmp_path / "done"
    source = f"print('ready', flush=True)\ninput()\nopen({str(done)!r}, 'w').write('done')"
    process = start(capture, source)
    program = program_of(process)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert state_of(program) != "Z"
    process.stdin.write(b"\n")
    process.stdin.close()
    wait_until(lambda: done.exists() and done.read_text() == "done", "the program ended early")
    wait_until(lambda: not Path(f"/proc/{program}").exists(), "the program did not end")
    assert Capture(capture).complete
    process.stdout.close()
    process.stderr.close()


def test_a_kill_leaves_a_capture_that_reads_back(capture: Path) -> None:
    process = start(capture, "kept = bytearray(5_000_000)\nprint('ready', flush=True)\ninput()")
    os.kill(program_of(process), signal.SIGKILL)
    assert finish(process)[0] == 128 + signal.SIGKILL
    recorded = Capture(capture)
    assert not recorded.complete
    assert recorded.metadata["exit_status"] == "-9"
    assert sum(site.peak_bytes for site in recorded.sites()) == recorded.peak_bytes > 5_000_000


def test_blocked_and_ignored_signals_stay_as_the_caller_had_them(capture: Path) -> None:
    source = """
import signal
blocked = sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, [])))
ignored = [n for n in sorted(signal.valid_signals()) if signal.getsignal(n) == signal.SIG_IGN]
print("ready", blocked, ignored, flush=True)
raise SystemExit(7)
"""
    prepare = (
        "import os, signal, sys; "
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM]); "
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    recorder = ["-m", "heapscope", "run", "-q", "-o", str(capture)]
    expected, found = (
        subprocess.run(
            [sys.executable, "-c", prepare, *way, "-c", source], stdout=subprocess.PIPE, timeout=60
        )
        for way in ([], recorder)
    )
    assert (found.returncode, found.stdout) == (7, expected.stdout)
    assert b"ready" in found.stdout


SHELL = """
import os, pty, signal, sys, termios, time, tty

def wait_for_state(process, wanted):
    deadline = time.monotonic() + 30
    while open(f"/proc/{process}/stat").read().rpartition(")")[2].split()[0] not in wanted:
        assert time.monotonic() < deadline, f"never {wanted}"
        time.sleep(0.01)

def child_of(process):
    return int(open(f"/proc/{process}/task/{process}/children").read().split()[0])

def read_until(mark):
    text = b""
    while mark not in text:
        text += os.read(master, 1000)
    return text

# A shell with job control: a session with a terminal, and the program as its foreground job.
master, slave = pty.openpty()
os.setsid()
import fcntl
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if not job:
    os.setpgid(0, 0)
    os.tcsetpgrp(slave, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    for target in 0, 1, 2:
        os.dup2(slave, target)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
read_until(b"ready")
program = child_of(job)
"""

COUNT_IN_TERMINAL = """
import signal, sys
counted = []
for name in ("SIGINT", "SIGQUIT", "SIGWINCH", "SIGCONT"):
    signal.signal(getattr(signal, name), lambda number, frame: counted.append(number))
print("ready", flush=True)
sys.stdin.readline()
print([signal.Signals(number).name for number in counted], "end", flush=True)
"""


def in_terminal(capture: Path, script: str) -> str:
    recorder = ["-m", "heapscope", "run", "-q", "-o", str(capture), "-c", COUNT_IN_TERMINAL]
    ended = subprocess.run(
        [sys.executable, "-c", SHELL + script, *recorder],
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_keys_of_the_terminal_reach_the_program_once(capture: Path) -> None:
    script = """
import struct
os.write(master, b"\\x03")
read_until(b"^C")
os.write(master, b"\\x1c")
read_until(b"\\\\")
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
os.write(master, b"go\\n")
print(read_until(b"end").decode())
_, status = os.waitpid(job, 0)
print("code", os.waitstatus_to_exitcode(status))
"""
    text = in_terminal(capture, script)
    assert "['SIGINT', 'SIGQUIT', 'SIGWINCH']" in text
    assert "code 0" in text


def test_a_stopped_job_is_stopped_and_goes_on(capture: Path) -> None:
    script = """
os.write(master, b"\\x1a")
_, status = os.waitpid(job, os.WUNTRACED)
assert os.WIFSTOPPED(status), status
wait_for_state(program, "T")
os.killpg(job, signal.SIGCONT)
wait_for_state(program, "SR")
wait_for_state(job, "SR")
os.write(master, b"go\\n")
print(read_until(b"end").decode())
_, status = os.waitpid(job, 0)
print("code", os.waitstatus_to_exitcode(status))
"""
    text = in_terminal(capture, script)
    assert "SIGCONT" in text
    assert "code 0" in text


def test_a_program_that_stops_itself_gives_the_terminal_back(capture: Path) -> None:
    script = """
os.kill(program, signal.SIGTSTP)
_, status = os.waitpid(job, os.WUNTRACED)
assert os.WIFSTOPPED(status), status
os.killpg(job, signal.SIGCONT)
wait_for_state(program, "SR")
os.write(master, b"go\\n")
print(read_until(b"end").decode())
_, status = os.waitpid(job, 0)
print("code", os.waitstatus_to_exitcode(status))
"""
    assert "code 0" in in_terminal(capture, script)


def test_a_program_stopped_and_continued_by_others_goes_on(capture: Path) -> None:
    process = start(capture, "print('ready', flush=True); print(input())")
    program = program_of(process)
    os.kill(program, signal.SIGSTOP)
    wait_until(lambda: state_of(program) == "T", "the program did not stop")
    os.kill(program, signal.SIGCONT)
    process.stdin.write(b"went on\n")
    process.stdin.flush()
    assert finish(process) == (0, b"went on\n", b"")

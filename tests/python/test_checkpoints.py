"""`using` and `Checkpoint`: the system's own figures, their units, and differences."""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import heapscope
from heapscope import Checkpoint, process_figures

MIB = 1 << 20


def status() -> dict[str, int]:
    """The kernel's lines of kB, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {
        line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")
    }


def test_the_highest_is_told_in_kb_on_linux_and_in_bytes_on_macos() -> None:
    assert process_figures.peak_rss_bytes(3_000, "linux") == 3_000 * 1024
    assert process_figures.peak_rss_bytes(3_000, "darwin") == 3_000
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert process_figures.peak_rss_bytes(ours) >= status()["VmHWM"] - MIB


def test_a_checkpoint_has_what_the_kernel_says() -> None:
    now, told = Checkpoint("now"), status()
    assert now.rss_bytes is not None and now.peak_rss_bytes is not None
    assert abs(now.rss_bytes - told["VmRSS"]) < 4 * MIB
    assert now.rss_bytes <= now.peak_rss_bytes <= told["VmHWM"] + MIB
    assert now.swap_bytes == told["VmSwap"]
    times = os.times()
    assert abs(now.user_s - times.user) < 1
    assert abs(now.system_s - times.system) < 1


def test_checkpoints_subtract_field_by_field() -> None:
    before = Checkpoint("before")
    kept = bytearray(b"\1") * (64 * MIB)
    after = Checkpoint("after")
    grown = after - before
    for field in ("time_s", "user_s", "system_s", "rss_bytes", "peak_rss_bytes", "swap_bytes"):
        assert getattr(grown, field) == getattr(after, field) - getattr(before, field)
    assert grown.rss_bytes is not None and grown.rss_bytes > 60 * MIB
    assert grown.time_s > 0
    assert str(grown).startswith("before → after: ")
    assert "RSS +" in str(grown)
    del kept
    freed = Checkpoint() - after
    assert freed.rss_bytes is not None and freed.rss_bytes < -60 * MIB
    assert freed.peak_rss_bytes is not None and 0 <= freed.peak_rss_bytes < MIB
    assert "RSS -" in str(freed)


def test_what_is_unknown_stays_unknown_in_a_difference() -> None:
    before, after = Checkpoint(), Checkpoint()
    before.swap_bytes = None
    difference = after - before
    assert difference.swap_bytes is None
    assert str(difference).endswith("swap unknown")


def test_only_checkpoints_subtract() -> None:
    with pytest.raises(TypeError):
        Checkpoint() - 1  # type: ignore[operator]


def test_using_returns_the_line_that_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    line = heapscope.using("loaded")
    printed = capsys.readouterr()
    assert printed.err == line + "\n"
    assert printed.out == ""
    assert line.startswith("loaded: user ")
    for part in (" system ", " RSS ", " peak RSS ", " swap "):
        assert part in line
    stream = io.StringIO()
    assert heapscope.using(stream=stream).startswith("user ")
    assert stream.getvalue().count("\n") == 1


def test_ps_tells_the_same_in_the_same_unit() -> None:
    if shutil.which("ps") is None:
        assert process_figures.resident_by_ps(os.getpid()) is None
        return
    told = process_figures.resident_by_ps(os.getpid())
    assert told is not None
    assert abs(told - status()["VmRSS"]) < 8 * MIB
    assert process_figures.resident_by_ps(2**22 + 1) is None


def test_the_highest_is_not_that_of_the_program_that_started_this_one() -> None:
    small = (
        "import heapscope, resource\n"
        "print(heapscope.Checkpoint().peak_rss_bytes,"
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    large = (
        "import os, sys; kept = b'x' * (200 << 20); "
        "os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    )
    told = subprocess.run(
        [sys.executable, "-c", large, small], capture_output=True, text=True, check=True
    ).stdout
    highest, inherited = map(int, told.split())
    assert highest < 100 * MIB < 200 * MIB < inherited


def test_nothing_is_loaded_that_a_program_would_notice() -> None:
    program = (
        "import sys; before = set(sys.modules); import heapscope; heapscope.using('x'); "
        "print(*sorted(name for name in set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "heapscope._tracker" not in loaded
    assert {name.partition(".")[0] for name in loaded} <= {"__future__", "heapscope", "resource"}

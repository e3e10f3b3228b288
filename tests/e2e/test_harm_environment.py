"""Recording works, or stays out of the way, where memory, disk and address space are short."""

from __future__ import annotations

import fcntl
import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ground_truth import PROGRAMS, assert_whole, command, marks

from heapscope import Capture

GROW = "kept = [bytearray(index % 9_000) for index in range(20_000)]\nprint(len(kept))\n"
STACKS = """
import ast, sys
def build(depth, number):
    return [build(depth - 1, number * 2 + side) for side in (0, 1)] if depth else object()
for number in range(300):
    exec(f"def f{number}(): return [object() for _ in range({number % 9})]\\nf{number}()", {})
print(len(build(11, 1)))
"""


def limited(limit: int, amount: int) -> Callable[[], None]:
    def apply() -> None:
        resource.setrlimit(limit, (amount, amount))

    return apply


def test_a_gibibyte_of_address_space_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "out.hscope"
    ended = subprocess.run(
        command(path, "-c", GROW),
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=limited(resource.RLIMIT_AS, 1 << 30),
    )
    assert (ended.stderr, ended.stdout, ended.returncode) == ("", "20000\n", 0)
    capture = Capture(path)
    assert capture.complete
    assert assert_whole(capture)["peak_bytes"] > 80_000_000


STRICT = """
set -e
cd /proc/sys/vm
mode=$(cat overcommit_memory) ratio=$(cat overcommit_ratio) kbytes=$(cat overcommit_kbytes)
restore() {
    echo $mode > overcommit_memory
    [ $ratio = 0 ] || echo $ratio > overcommit_ratio
    [ $kbytes = 0 ] || echo $kbytes > overcommit_kbytes
}
trap restore EXIT
committed=$(sed -n 's/^Committed_AS: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo)
echo $((committed + 8 * 1024 * 1024)) > overcommit_kbytes
echo 2 > overcommit_memory
cat overcommit_memory
"$@"
"""


@pytest.mark.skipif(
    "CI_OWNS_MACHINE" not in os.environ, reason="changes a setting of the machine's kernel"
)
def test_strict_overcommit_is_enough(tmp_path: Path) -> None:
    settings = Path("/proc/sys/vm/overcommit_memory")
    if not os.access(settings, os.W_OK):
        pytest.skip("the kernel's setting cannot be changed here")
    before = settings.read_text()
    path = tmp_path / "out.hscope"
    with Path("/tmp/heapscope-overcommit.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = subprocess.run(
            ["sh", "-c", STRICT, "sh", *command(path, "-c", GROW)],
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert settings.read_text() == before
    assert (ended.stderr, ended.stdout, ended.returncode) == ("", "2\n20000\n", 0)
    assert assert_whole(Capture(path))["peak_bytes"] > 80_000_000


def test_a_file_that_may_not_grow_is_said_and_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.hscope"
    code = f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n{STACKS}"
    ended = subprocess.run(
        command(path, "-c", code),
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=limited(resource.RLIMIT_FSIZE, 2 << 20),
    )
    assert (ended.stdout, ended.returncode) == ("2\n", 0)
    assert ended.stderr.count("\n") <= 2
    assert "Traceback" not in ended.stderr


def test_an_output_in_memory_is_an_output(tmp_path: Path) -> None:
    directory = Path("/dev/shm")
    if not directory.is_dir() or not os.access(directory, os.W_OK):
        pytest.skip("no tmpfs at /dev/shm")
    path = directory / f"heapscope-test-{os.getpid()}.hscope"
    try:
        ended = subprocess.run(command(path, "-c", GROW), capture_output=True, text=True)
        assert (ended.stderr, ended.stdout, ended.returncode) == ("", "20000\n", 0)
        assert_whole(Capture(path))
    finally:
        path.unlink(missing_ok=True)


ACCOUNTED = """
import mmap, sys
import ctypes
from heapscope import _tracker
held = [bytearray(index % 5000) for index in range(20_000)]
mapped = mmap.mmap(-1, 50_000_000)
text = ["x" * index for index in range(3000)]
size = 0
live = _tracker.counters()["live_bytes"]
with open("/proc/self/smaps") as smaps:
    for line in smaps:
        if line.startswith("Size:"):
            size += int(line.split()[1]) * 1024
print(live < size, live > 100_000_000)
"""


def test_what_is_live_is_never_more_than_what_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "out.hscope"
    ended = subprocess.run(command(path, "-c", ACCOUNTED), capture_output=True, text=True)
    assert (ended.stderr, ended.stdout, ended.returncode) == ("", "True True\n", 0)
    assert_whole(Capture(path))


def test_python_blocks_are_never_more_than_the_arenas_and_malloc_hold(tmp_path: Path) -> None:
    path = tmp_path / "out.hscope"
    ended = subprocess.run(command(path, "-c", GROW), capture_output=True, text=True)
    assert (ended.stderr, ended.returncode) == ("", 0)
    capture = Capture(path)
    rss = [size for size in capture.timeline["rss_bytes"] if size is not None]
    written = sum(
        row["live_bytes"]
        for row in capture.table("domain", "live")["rows"]
        if row["domain"] == "object"
    )
    assert written < max(rss)


NUMPY = """
import numpy as np
size = 20_000
a, b, c = np.ones(size), np.ones(size), np.ones(size)
def work():
    global product, total, kept
    product = a * b  # here: product
    total = product + c  # here: total
    kept = (  # here: outer
        (a * b)  # here: left
        + (b * c)  # here: right
    )
work()
"""


def test_numpy_arrays_and_temporaries_are_told_by_operator(tmp_path: Path) -> None:
    program = tmp_path / "arrays.py"
    program.write_text(NUMPY)
    path = tmp_path / "out.hscope"
    ended = subprocess.run(command(path, str(program)), capture_output=True, text=True)
    assert (ended.stderr, ended.returncode) == ("", 0)
    array = 20_000 * 8
    lines: dict[str, tuple[int, ...]] = {}
    names = {line: name for name, line in marks(program).items()}
    for site in Capture(path).sites("allocated", limit=300):
        if site.function != "work" or site.domain != "malloc":
            continue
        name = names[site.line or 0]
        before = lines.get(name, (0, 0, 0, 0))
        new = (site.live_bytes, site.live_blocks, site.allocated_bytes, site.allocations)
        lines[name] = tuple(map(sum, zip(before, new, strict=True)))
    assert lines["product"] == lines["total"] == (array, 1, array, 1)
    # A temporary for each side; their sum is an array of its own, at the line of its first operand.
    whole = {name: lines[name] for name in ("left", "right")}
    assert whole["right"] == (0, 0, array, 1)
    assert whole["left"] == (array, 1, 2 * array, 2) or (
        whole["left"] == (0, 0, array, 1) and lines["outer"] == (array, 1, array, 1)
    )


STRESS = PROGRAMS / "stress.py"


def test_a_stress_of_every_kind_of_frame_adds_up(tmp_path: Path) -> None:
    path = tmp_path / "out.hscope"
    ended = subprocess.run(command(path, str(STRESS)), capture_output=True, text=True, timeout=250)
    assert (ended.stderr, ended.returncode) == ("", 0)
    assert assert_whole(Capture(path))["tracker"]["unwalkable_stacks"] == 0

"""What RSS is made of, on whole programs: by construction, and against the kernel's own figures."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import heapscope
from heapscope import Capture

pytestmark = pytest.mark.one_version

MIB = 1 << 20

# Memory that no hook can see: a system call made by number, written to, and given back.
OUTSIDE = """
import ctypes, mmap, sys, time
libc = ctypes.CDLL(None)
libc.syscall.restype = ctypes.c_void_p
SIZE = 96 << 20
SYS_MMAP, SYS_MUNMAP = 9, 11
flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
long = ctypes.c_long
address = libc.syscall(long(SYS_MMAP), long(0), long(SIZE), long(3), long(flags), long(-1), long(0))
ctypes.memset(address, 1, SIZE)
time.sleep(0.7)
{end}
libc.syscall(long(SYS_MUNMAP), ctypes.c_void_p(address), long(SIZE))
"""

PROGRAMS = {
    "pass": "pass",
    "json": """
        import json
        rows = [{"a": i, "b": str(i) * 3, "c": [i, i + 1, i + 2]} for i in range(60_000)]
        text = json.dumps(rows)
        again = json.loads(text)
        """,
    "fragmented": """
        class Node:
            __slots__ = ("left", "right")
        nodes = [Node() for _ in range(600_000)]
        kept = nodes[::97]
        del nodes
        later = [bytearray(1000) for _ in range(3000)]
        """,
    "threads": """
        import threading
        def work():
            small = [bytes(100) for _ in range(3000)]
            large = [bytearray(2000) for _ in range(300)]
            ready.wait()
            done.wait()
        ready, done = threading.Barrier(41), threading.Event()
        threads = [threading.Thread(target=work) for _ in range(40)]
        for thread in threads: thread.start()
        ready.wait()
        names = [str(i) for i in range(50_000)]
        done.set()
        for thread in threads: thread.join()
        """,
    "mappings": """
        import mmap
        shared = mmap.mmap(-1, 60 << 20)
        shared[: 30 << 20] = b"x" * (30 << 20)
        private = mmap.mmap(-1, 50 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        private[: 20 << 20] = b"x" * (20 << 20)
        names = [str(i) for i in range(50_000)]
        """,
    "numpy and pandas": """
        import numpy, pandas
        keys = numpy.arange(300_000) % 1000
        frame = pandas.DataFrame({"k": keys, "v": numpy.random.rand(300_000)})
        grouped = frame.groupby("k").agg({"v": ["sum", "mean"]})
        sorted_frame = frame.sort_values("v")
        """,
    "django templates": """
        import django
        from django.conf import settings
        backend = "django.template.backends.django.DjangoTemplates"
        settings.configure(TEMPLATES=[{"BACKEND": backend}])
        django.setup()
        from django.template import Context, Template
        row = "{% for c in r %}<td>{{ c|upper }}</td>{% endfor %}"
        template = Template("{% for r in rows %}" + row + "{% endfor %}")
        rows = [[f"c{i}{j}" for j in range(10)] for i in range(1000)]
        text = template.render(Context({"rows": rows}))
        """,
}


def record(directory: Path, source: str, code: int = 0) -> Capture:
    path, script = directory / "out.hscope", directory / "program.py"
    lines = source.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    script.write_text("\n".join(line[margin:] for line in lines))
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", str(path), str(script)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert ended.returncode == code, ended.stderr
    return Capture(path)


def bytes_of(ledger: dict[str, Any], part: str, column: str = "bytes") -> int:
    return int(next(row[column] for row in ledger["rows"] if row["part"] == part))


def assert_adds_up(ledger: dict[str, Any]) -> None:
    figures = [row["bytes"] for row in ledger["rows"]] + [ledger["unexplained_bytes"]]
    assert sum(figures) == ledger["rss_bytes"]
    assert min(figures) >= 0


@pytest.mark.parametrize("name", PROGRAMS)
def test_at_most_three_per_cent_of_an_ordinary_program_are_unexplained(
    tmp_path: Path, name: str
) -> None:
    capture = record(tmp_path, PROGRAMS[name])
    for at in ("peak", None, 0.0, 1e9):
        assert_adds_up(capture.rss(at))
    for ledger in (capture.rss("peak"), capture.rss()):
        assert ledger["unexplained_bytes"] <= 0.03 * ledger["rss_bytes"], ledger
    peak = capture.rss("peak")
    assert peak["heap_bytes"] <= peak["peak_bytes"] == capture.peak_bytes


def test_over_time_the_parts_add_up_to_rss_at_every_instant(tmp_path: Path) -> None:
    over_time = record(tmp_path, PROGRAMS["json"]).rss_over_time()
    assert len(over_time["time_s"]) > 3
    assert over_time["time_s"] == sorted(over_time["time_s"])
    for index, rss in enumerate(over_time["rss_bytes"]):
        assert sum(part["bytes"][index] for part in over_time["parts"]) == rss


def test_survivors_among_freed_objects_show_as_slack_of_their_size_class(tmp_path: Path) -> None:
    ledger = record(tmp_path, PROGRAMS["fragmented"]).rss(1e9)  # at the end
    # 600,000 nodes of 48 bytes (of which 16 for the GC), one in 97 kept: hardly a pool is empty.
    freed = 600_000 * 48 * 96 // 97
    slack = bytes_of(ledger, "pymalloc slack")
    assert 0.9 * freed <= slack <= 1.3 * freed
    worst = max(ledger["size_classes"], key=lambda each: each["free_bytes"])
    assert worst["block_bytes"] == 48
    assert "48 " in ledger["advice"]


def test_a_block_that_was_never_written_is_not_resident(tmp_path: Path) -> None:
    ledger = record(tmp_path, "untouched = bytes(300 << 20)\nkept = [bytes(500)] * 9\n").rss("peak")
    assert ledger["rss_bytes"] < 200 * MIB
    absent = bytes_of(ledger, "live Python objects", "absent_bytes")
    assert 299 * MIB <= absent <= 301 * MIB


def test_a_mapping_counts_where_it_was_written(tmp_path: Path) -> None:
    ledger = record(tmp_path, PROGRAMS["mappings"]).rss()
    assert 49 * MIB <= bytes_of(ledger, "anonymous mappings") <= 51 * MIB
    assert 59 * MIB <= bytes_of(ledger, "anonymous mappings", "absent_bytes") <= 61 * MIB


def test_a_mapped_file_is_told_from_the_programs_own_memory(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x" * (40 * MIB))
    source = """
        import mmap
        with open("{path}", "rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        read = sum(data[at] for at in range(0, len(data), 4096))
        """
    with_file = record(tmp_path, source.format(path=tmp_path / "data")).rss()
    (tmp_path / "out.hscope").unlink()
    without = record(tmp_path, "import mmap").rss()
    grown = bytes_of(with_file, "mapped files") - bytes_of(without, "mapped files")
    assert 39 * MIB <= grown <= 42 * MIB


def test_memory_that_no_hook_saw_is_sampled_and_left_unexplained(tmp_path: Path) -> None:
    capture = record(tmp_path, OUTSIDE.format(end=""))
    timeline = capture.timeline
    rows = [
        {name: column[index] for name, column in timeline.items()}
        for index in range(len(timeline["time_s"]))
    ]
    sampled = [row for row in rows if row["sampled_by"] == "sampler"]
    assert max(row["rss_bytes"] for row in sampled) >= 96 * MIB
    assert all(row["live_bytes"] is None for row in sampled)
    assert [row["time_s"] for row in rows] == sorted(row["time_s"] for row in rows)
    ledger = capture.rss()
    assert_adds_up(ledger)
    assert ledger["rss_from"] == "sampler"
    assert 95 * MIB <= ledger["unexplained_bytes"] <= 100 * MIB


def test_the_samples_of_a_killed_program_are_kept(tmp_path: Path) -> None:
    end = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    capture = record(tmp_path, OUTSIDE.format(end=end), 128 + signal.SIGKILL)
    assert not capture.complete
    assert "sampler" in capture.timeline["sampled_by"]
    assert capture.rss()["rss_bytes"] >= 96 * MIB
    assert_adds_up(capture.rss("peak"))


def test_inside_a_process_only_the_tracker_samples(tmp_path: Path) -> None:
    with heapscope.track(str(tmp_path / "inside.hscope")):
        kept = [bytearray(1000) for _ in range(20_000)]
    assert kept
    capture = Capture(tmp_path / "inside.hscope")
    assert set(capture.timeline["sampled_by"]) == {"tracker"}
    assert_adds_up(capture.rss("peak"))
    assert bytes_of(capture.rss("peak"), "older than tracking") > 0


def test_own_memory_holds_the_captures_pages(tmp_path: Path) -> None:
    path = tmp_path / "inside.hscope"
    with heapscope.track(str(path)):
        kept = [str(i) for i in range(100_000)]
        smaps = Path("/proc/self/smaps").read_text()
    assert kept
    resident = 0
    for entry in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.MULTILINE):
        if str(path) in entry:
            (kilobytes,) = re.findall(r"^Rss: +(\d+)", entry, re.MULTILINE)
            resident += 1024 * int(kilobytes)
    assert resident > 0
    own = Capture(path).summary()["tracker"]["bytes"]
    assert own >= resident
    ledger = Capture(path).rss(1e9)
    assert bytes_of(ledger, "heapscope") >= resident


def heapscope_rss(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heapscope", "rss", str(directory / "out.hscope"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_table_and_the_document_tell_the_same(tmp_path: Path) -> None:
    capture = record(tmp_path, PROGRAMS["fragmented"])
    document = json.loads(heapscope_rss(tmp_path, "--json").stdout)
    assert document["schema"] == "heapscope/rss/1"
    assert document == capture.rss() | {"capture": document["capture"]}
    printed = heapscope_rss(tmp_path)
    assert printed.returncode == 0
    lines = printed.stdout.splitlines()
    assert max(map(len, lines[1:])) <= 80
    parts = [row["part"] for row in document["rows"] if row["bytes"]]
    for part in [*parts, "unexplained", "RSS"]:
        assert sum(bool(re.search(rf"  {re.escape(part)}(  |$)", line)) for line in lines) == 1
    at_peak = json.loads(heapscope_rss(tmp_path, "--at", "PEAK", "--json").stdout)
    assert at_peak["at"] == "peak"


@pytest.mark.parametrize("moment", ["soon", "-1", "nan", "inf", ""])
def test_a_moment_that_is_none_is_refused_with_one_line(tmp_path: Path, moment: str) -> None:
    record(tmp_path, "pass")
    ended = heapscope_rss(tmp_path, f"--at={moment}")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert re.fullmatch(r"heapscope: [^\n]+\n", ended.stderr)

"""`heapscope monitor`: its figures are the kernel's, and it ends as it should."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from allocating_program import AllocatingProgram

from heapscope.cli.main import main

pytestmark = pytest.mark.one_version

KEYS = {
    "time_s",
    "pid",
    "rss_bytes",
    "pss_bytes",
    "uss_bytes",
    "vms_bytes",
    "shared_bytes",
    "swap_bytes",
    "threads",
    "children",
}


def monitor(*arguments: object) -> int:
    return main(["monitor", "--interval", "0.01", "--duration", "0.02", *map(str, arguments)])


def test_one_document_a_look_with_the_figures_of_the_kernel(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with AllocatingProgram() as program:
        program.tell("hold it 30")
        child = int(program.tell("child 20"))
        assert monitor("--json", program.process.pid) == 0
        lines = Path(f"/proc/{program.process.pid}/status").read_text().splitlines()
        program.tell("childless")
    status = dict(line.split(":", 1) for line in lines)
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(documents) == 3
    for found in documents:
        assert set(found) >= KEYS
        assert found["schema"] == "heapscope/monitor/1"
        assert found["pid"] == program.process.pid
        assert found["rss_bytes"] == pytest.approx(int(status["VmRSS"].split()[0]) << 10, rel=0.1)
        assert found["vms_bytes"] == int(status["VmSize"].split()[0]) << 10
        assert 30 << 20 < found["uss_bytes"] <= found["pss_bytes"] <= found["rss_bytes"] + (1 << 20)
        assert found["threads"] == len(found["thread_list"]) == 1
        assert [each["pid"] for each in found["child_list"]] == [child]
        assert found["children_rss_bytes"] > 20 << 20
        assert found["system"]["total_bytes"] > found["system"]["available_bytes"] > 0
    times = [found["time_s"] for found in documents]
    assert times == sorted(times)


def test_threads_have_their_names_and_what_they_spent(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import threading, ctypes\n"
        "def busy():\n"
        "    ctypes.CDLL(None).prctl(15, b'my worker', 0, 0, 0)\n"
        "    sum(range(3_000_000))\n"
        "    print(flush=True); input()\n"
        "threading.Thread(target=busy).start()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert monitor("--json", process.pid) == 0
        process.communicate(b"\n")
    found = json.loads(capsys.readouterr().out.splitlines()[0])
    (worker,) = [each for each in found["thread_list"] if each["name"] == "my worker"]
    assert worker["cpu_s"] > 0
    assert found["threads"] == 2


def test_rows_of_csv_are_whole_and_the_file_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.csv"
    assert monitor("--csv", path, os.getpid()) == 0
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert set(rows[0]) >= KEYS
    assert int(rows[0]["rss_bytes"]) > 1 << 20
    assert int(rows[0]["system_total_bytes"]) > int(rows[0]["rss_bytes"])
    capsys.readouterr()
    assert monitor("--csv", path, os.getpid()) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert monitor("--csv", path, "--force", os.getpid()) == 0


def test_a_table_for_a_pipe_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert monitor(os.getpid()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].split() == ["time", "RSS", "PSS", "USS", "VMS", "shared", "swap", "threads"]


def test_a_process_that_ends_while_watched_is_a_normal_end() -> None:
    with AllocatingProgram() as program:
        with subprocess.Popen(
            [sys.executable, "-m", "heapscope", "monitor", "--json", str(program.process.pid)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as watching:
            assert watching.stdout is not None
            watching.stdout.readline()
            program.process.communicate()
            _, err = watching.communicate(timeout=60)
    assert watching.returncode == 0
    assert err.startswith(f"heapscope: process {program.process.pid} ended after ".encode())


def test_a_terminal_shows_one_block_that_is_written_over() -> None:
    reader, writer = pty.openpty()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "heapscope", "monitor", "--interval", "0.01"),
            *("--duration", "0.02", str(os.getpid())),
        ],
        stdout=writer,
    ) as watching:
        watching.wait(timeout=60)
    os.close(writer)
    shown = os.read(reader, 1 << 16).decode()
    os.close(reader)
    assert watching.returncode == 0
    assert shown.count("RSS ") >= 3
    assert shown.count("\x1b[J") == 3
    assert "system " in shown
    assert "thread " in shown


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_process_of_somebody_else_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import os, sys\n"
        "from heapscope.cli.main import main\n"
        "import heapscope.cli.monitor, heapscope.timeline.process_report\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(main(['monitor', '1']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "another user's" in done.stderr
    assert len(done.stderr.splitlines()) == 1

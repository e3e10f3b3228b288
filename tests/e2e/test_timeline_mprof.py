"""The real mprof beside ours: each reads what the other wrote (extra of the tests)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heapscope.timeline.dat_reader import read

pytestmark = pytest.mark.one_version

MIB = 1048576
PROGRAM = """
@profile
def inner():
    return bytearray(20 << 20)
@profile
def outer():
    return [inner(), inner()]
kept = outer()
"""


def run(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=directory, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_by_mprof(directory: Path, name: str) -> dict[str, Any]:
    code = "import json, mprof, sys; print(json.dumps(mprof.read_mprofile_file(sys.argv[1])))"
    found: dict[str, Any] = json.loads(run(directory, "-c", code, name))
    return found


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "work.py").write_text(PROGRAM)
    return tmp_path


def test_mprof_reads_our_file(directory: Path) -> None:
    run(directory, "-m", "heapscope", "mprof", "run", "-C", "-M", "-o", "x.dat", "work.py")
    theirs, ours = read_by_mprof(directory, "x.dat"), read(str(directory / "x.dat"))
    assert theirs["cmd_line"].strip() == ours.command == "python work.py"
    assert [size * MIB for size in theirs["mem_usage"]] == list(ours.total.sizes)
    assert set(theirs["func_timestamp"]) == {"__main__.inner", "__main__.outer"}
    (outer,) = theirs["func_timestamp"]["__main__.outer"]
    assert outer[4] == 0
    assert [each[4] for each in theirs["func_timestamp"]["__main__.inner"]] == [1, 1]
    assert run(directory, "-m", "mprof", "peak", "x.dat") == run(
        directory, "-m", "heapscope", "mprof", "peak", "x.dat"
    )
    run(directory, "-m", "mprof", "plot", "-o", "x.png", "x.dat")
    run(directory, "-m", "mprof", "plot", "--flame", "-o", "f.png", "x.dat")


def test_we_read_a_file_of_mprof(directory: Path) -> None:
    run(directory, "-m", "mprof", "run", "-o", "x.dat", "work.py")
    theirs, ours = read_by_mprof(directory, "x.dat"), read(str(directory / "x.dat"))
    assert ours.damaged_lines == 0
    assert sorted(ours.total.sizes) == sorted(size * MIB for size in theirs["mem_usage"])
    assert {span.name for span in ours.spans} == set(theirs["func_timestamp"])
    assert len(ours.spans) == 3
    assert run(directory, "-m", "mprof", "peak", "x.dat") == run(
        directory, "-m", "heapscope", "mprof", "peak", "x.dat"
    )
    run(directory, "-m", "heapscope", "mprof", "plot", "-s", "-w", "0,20.5", "-o", "x.png", "x.dat")


def test_a_listing_is_the_same(directory: Path) -> None:
    for stamp in ("20240102030405", "20231231235959"):
        (directory / f"mprofile_{stamp}.dat").write_text("CMDLINE x\nMEM 1.000000 1.0000\n")
    for verb in (["list"], ["peak"], ["rm", "--dry-run", "0"], ["clean", "--dry-run"]):
        theirs = run(directory, "-m", "mprof", *verb)
        assert run(directory, "-m", "heapscope", "mprof", *verb) == theirs

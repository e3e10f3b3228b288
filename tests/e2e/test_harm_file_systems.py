"""Captures on file systems of many kinds, full ones too; each is mounted for its test alone."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from ground_truth import assert_whole

from heapscope import Capture

pytestmark = pytest.mark.one_version

STACKS = """
for number in range(6_000):
    exec(f"def f{number}(): return [object() for _ in range({number % 9})]\\nf{number}()", {})
kept = bytearray(1_234_567)
print("the program went on", flush=True)
"""

KILLED = f"{STACKS}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"

RUN = """
import os, shutil, subprocess, sys
program, kept = sys.argv[1:]
command = [sys.executable, "-m", "heapscope", "run", "-o", "out.hscope", "-c", program]
ended = subprocess.run(command, capture_output=True, text=True)
shutil.copyfile("out.hscope", kept)
print((ended.returncode, ended.stdout, ended.stderr, sorted(os.listdir())))
"""


@dataclass(frozen=True)
class Ended:
    """What became of a program whose capture was written to a file system of its own."""

    returncode: int
    stdout: str
    stderr: str
    files: list[str]
    capture: Capture


def in_private_mounts(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run shell commands whose mounts nobody else sees; they are gone with the last process."""
    command = ["unshare", "--mount", "sh", "-c", script, "sh", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def prepare(kind: str, megabytes: int, directory: Path) -> str:
    """Make a file system; the commands that mount it and go there. Skips where that cannot be."""
    image, place = directory / "image", directory / "mounted"
    place.mkdir()
    if not shutil.which("unshare"):
        pytest.skip("there is no unshare(1)")
    mount = f"mount -t tmpfs -o size={megabytes}m none '{place}'"
    if kind != "tmpfs":
        if not shutil.which(f"mkfs.{kind}"):
            pytest.skip(f"there is no mkfs.{kind}")
        image.touch()
        os.truncate(image, megabytes << 20)
        subprocess.run([f"mkfs.{kind}", "-q", str(image)], check=True, capture_output=True)
        mount = f"mount -o loop '{image}' '{place}'"
    tried = in_private_mounts(mount)
    if tried.returncode != 0:
        pytest.skip(f"a {kind} cannot be mounted here: {tried.stderr.strip()}")
    return f"{mount} && cd '{place}'"


def run_on(kind: str, megabytes: int, directory: Path, program: str) -> Ended:
    """Record a program into a capture that lies on a new file system."""
    mounted = prepare(kind, megabytes, directory)
    kept = directory / "kept.hscope"
    ended = in_private_mounts(
        f'{mounted} && exec "$@"', sys.executable, "-c", RUN, program, str(kept)
    )
    assert (ended.stderr, ended.returncode) == ("", 0)
    code, stdout, stderr, files = ast.literal_eval(ended.stdout)
    return Ended(code, stdout, stderr, files, Capture(kept))


@pytest.mark.parametrize(("kind", "megabytes"), [("tmpfs", 4), ("ext4", 6)])
def test_a_disk_that_fills_up_stops_recording_and_nothing_else(
    tmp_path: Path, kind: str, megabytes: int
) -> None:
    ended = run_on(kind, megabytes, tmp_path, STACKS)
    assert (ended.returncode, ended.stdout) == (0, "the program went on\n")
    said = ended.stderr.splitlines()
    assert len([line for line in said if "the disk was full" in line]) == 1
    assert "Traceback" not in ended.stderr
    tracker = ended.capture.summary()["tracker"]
    assert tracker["disk_full"] is True
    assert tracker["events_lost"] > 0
    assert [name for name in ended.files if name != "lost+found"] == ["out.hscope"]


@pytest.mark.parametrize("kind", ["tmpfs", "ext4", "btrfs"])
def test_a_capture_is_whole_on(tmp_path: Path, kind: str) -> None:
    ended = run_on(kind, 128, tmp_path, STACKS)
    assert (ended.returncode, ended.stdout) == (0, "the program went on\n")
    assert ended.capture.complete
    assert assert_whole(ended.capture)["tracker"]["periodic"] is (kind == "btrfs")


@pytest.mark.parametrize("kind", ["tmpfs", "ext4", "btrfs"])
def test_a_killed_programs_capture_is_whole_on(tmp_path: Path, kind: str) -> None:
    ended = run_on(kind, 128, tmp_path, KILLED)
    assert (ended.returncode, ended.stdout) == (137, "the program went on\n")
    assert not ended.capture.complete
    summary = assert_whole(ended.capture)
    # Where a shared mapping promises nothing, what is left is that of the last tick.
    periodic = kind == "btrfs"
    assert summary["tracker"]["periodic"] is periodic
    assert summary["peak_bytes"] > (0 if periodic else 1_234_567)

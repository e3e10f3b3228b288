"""`--snapshot-at` and `--pdb-at`: what happens when a program's memory passes a limit."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import heapscope
from heapscope import Capture

MIB = 1 << 20

GROWING = """
def grow(count):
    kept = []
    for _ in range(count):
        kept.append(bytes(1 << 20))  # of zeros: the heap grows, RSS does not
    return kept

def main():
    kept = grow(60)
    print("grown to", len(kept))
    del kept
    print("over")

main()
"""


def run(
    directory: Path, program: str, *options: str, answers: str = "", verb: str = "run"
) -> subprocess.CompletedProcess[str]:
    (directory / "work.py").write_text(textwrap.dedent(program), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "heapscope", verb, *options, "work.py"],
        cwd=directory,
        input=answers,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_snapshot_holds_what_was_live_then_and_the_program_goes_on(tmp_path: Path) -> None:
    ended = run(tmp_path, GROWING, "--snapshot-at", "40MiB", "-o", "work.hscope")
    assert ended.returncode == 0
    assert ended.stdout == "grown to 60\nover\n"
    assert "at 40.0 MiB a snapshot was kept in work.at-40MiB.hscope" in ended.stderr
    snapshot = Capture(tmp_path / "work.at-40MiB.hscope")
    assert snapshot.complete
    assert snapshot.damage == []
    live = snapshot.live_bytes_at_end
    assert 40 * MIB < live < 41 * MIB + 100_000
    assert snapshot.peak_bytes == live
    heaviest = snapshot.sites("live", 1)[0]
    assert heaviest.function == "grow"
    # Those that fit below the limit, and the one that passed it.
    assert heaviest.live_blocks in (39, 40)
    summary = snapshot.summary()
    assert summary["snapshot_at_bytes"] == 40 * MIB
    assert sum(row["live_bytes"] for row in snapshot.table("site", "live")["rows"]) == live
    whole = Capture(tmp_path / "work.hscope")
    assert whole.peak_bytes > 60 * MIB
    assert whole.live_bytes_at_end < 5 * MIB
    assert whole.summary()["snapshot_at_bytes"] is None


def test_the_block_that_passes_the_limit_is_in_the_snapshot(tmp_path: Path) -> None:
    ended = run(tmp_path, "kept = bytearray(64 << 20)\n", "--snapshot-at=32MiB", "-o", "a.hscope")
    assert ended.returncode == 0
    (site,) = Capture(tmp_path / "a.at-32MiB.hscope").sites("live", 1)
    assert site.largest_bytes >= 64 * MIB
    assert site.line == 1


@pytest.mark.one_version
@pytest.mark.parametrize("verb", ["summary", "tree", "table", "leaks", "rss"])
def test_every_verb_reads_a_snapshot_without_a_remark(tmp_path: Path, verb: str) -> None:
    run(tmp_path, GROWING, "-q", "--snapshot-at", "40MiB", "-o", "work.hscope")
    asked = subprocess.run(
        [sys.executable, "-m", "heapscope", verb, "work.at-40MiB.hscope"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 0
    assert asked.stderr == ""
    if verb == "summary":
        assert "snapshot at 40.0 MiB" in asked.stdout


def test_rss_that_the_heap_does_not_know_passes_a_limit_too(tmp_path: Path) -> None:
    program = """
    import mmap, tempfile
    with tempfile.TemporaryFile() as file:
        file.truncate(96 << 20)
        pages = mmap.mmap(file.fileno(), 96 << 20)
        for page in range(0, 96 << 20, 4096):
            pages[page] = 1
    made = [str(number) for number in range(200_000)]
    """
    ended = run(tmp_path, program, "--snapshot-at", "90MiB", "-o", "work.hscope")
    assert ended.returncode == 0
    snapshot = Capture(tmp_path / "work.at-90MiB.hscope")
    assert snapshot.live_bytes_at_end < 60 * MIB


def test_a_program_that_stays_below_leaves_no_snapshot(tmp_path: Path) -> None:
    ended = run(tmp_path, "print('small')", "--snapshot-at", "4GiB", "-o", "work.hscope")
    assert ended.returncode == 0
    assert "neither heap nor RSS passed 4.00 GiB: there is no snapshot" in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work.hscope", "work.py"]


def test_a_snapshot_replaces_nothing_unasked(tmp_path: Path) -> None:
    (tmp_path / "work.at-40MiB.hscope").write_text("precious")
    refused = run(tmp_path, GROWING, "--snapshot-at", "40MiB", "-o", "work.hscope")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "'work.at-40MiB.hscope' exists" in refused.stderr
    assert (tmp_path / "work.at-40MiB.hscope").read_text() == "precious"
    forced = run(tmp_path, GROWING, "--force", "--snapshot-at", "40MiB", "-o", "work.hscope")
    assert forced.returncode == 0
    assert Capture(tmp_path / "work.at-40MiB.hscope").complete


@pytest.mark.one_version
@pytest.mark.parametrize("option", ["--snapshot-at", "--pdb-at"])
@pytest.mark.parametrize("size", ["", "big", "-5", "0", "5 parsecs", "1.2.3MiB", "9" * 5000])
def test_what_is_no_size_is_one_line(tmp_path: Path, option: str, size: str) -> None:
    ended = run(tmp_path, GROWING, option, size)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"heapscope: {option}: not a size")
    assert ended.stderr.count("\n") == 1


def test_the_debugger_stops_in_the_frame_that_allocated(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        GROWING,
        "--pdb-at",
        "40MiB",
        "-q",
        answers="p 'held', len(kept), count\nup\np 'called by'\nc\n",
    )
    assert ended.returncode == 0, ended.stderr
    assert "past the limit of 40.0 MiB: stopping in pdb" in ended.stderr
    assert ended.stderr.count("stopping in pdb") == 1
    assert "grow()" in ended.stdout
    held = next(line for line in ended.stdout.splitlines() if "'held'" in line)
    assert "60)" in held
    assert any(f"'held', {count}, 60" in held for count in (38, 39, 40))
    assert "over\n" in ended.stdout


def test_the_debugger_stops_in_the_thread_that_allocated(tmp_path: Path) -> None:
    program = """
    import threading

    def work(kept):
        for number in range(60):
            kept.append(bytes(1 << 20))

    thread = threading.Thread(target=work, args=([],), name="worker 7")
    thread.start()
    thread.join()
    print("joined")
    """
    ended = run(
        tmp_path,
        program,
        "--pdb-at",
        "40MiB",
        "-q",
        answers="import threading\np threading.current_thread().name, number\nc\n",
    )
    assert ended.returncode == 0, ended.stderr
    assert any(f"('worker 7', {number})" in ended.stdout for number in (38, 39, 40))
    assert "joined" in ended.stdout


def test_memory_of_native_code_stops_in_the_line_that_called_it(tmp_path: Path) -> None:
    program = """
    import ctypes

    def call(libc):
        block = libc.malloc(64 << 20)
        return block

    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    call(libc)
    print("over")
    """
    ended = run(tmp_path, program, "--pdb-at", "50MiB", "-q", answers="w\nc\n")
    assert ended.returncode == 0, ended.stderr
    assert "call()" in ended.stdout
    assert "over" in ended.stdout


def test_pdbs_own_modules_are_not_in_the_figures(tmp_path: Path) -> None:
    ended = run(tmp_path, GROWING, "--pdb-at", "40MiB", "-q", "-o", "work.hscope", answers="c\n")
    assert ended.returncode == 0
    capture = Capture(tmp_path / "work.hscope")
    rows = capture.table("file", "allocated")["rows"]
    imports = sum(row["allocated_bytes"] for row in rows if "importlib" in row["file"])
    without = run(tmp_path, GROWING, "-q", "--force", "-o", "work.hscope")
    assert without.returncode == 0
    plain = Capture(tmp_path / "work.hscope").table("file", "allocated")["rows"]
    before = sum(row["allocated_bytes"] for row in plain if "importlib" in row["file"])
    assert imports < before + 1_500_000  # what pdb imports when it is used


def test_quitting_the_debugger_ends_the_program_as_pdb_does(tmp_path: Path) -> None:
    ended = run(tmp_path, GROWING, "--pdb-at", "40MiB", "-q", "-o", "work.hscope", answers="q\n")
    assert ended.returncode == 1
    assert "BdbQuit" in ended.stderr
    assert "over" not in ended.stdout
    assert Capture(tmp_path / "work.hscope").complete


def test_both_limits_may_be_watched_and_each_acts_once(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        GROWING,
        "--snapshot-at=30MiB",
        "--pdb-at=40MiB",
        "-o",
        "work.hscope",
        answers="p 'at', len(kept)\nc\n",
    )
    assert ended.returncode == 0
    assert any(f"('at', {count})" in ended.stdout for count in (38, 39, 40))
    assert Capture(tmp_path / "work.at-30MiB.hscope").live_bytes_at_end < 32 * MIB


def test_tracking_from_inside_takes_the_same_limits(tmp_path: Path) -> None:
    path = tmp_path / "in.hscope"
    heapscope.start(path, snapshot_at="800MiB")  # more than this process is
    kept = [bytes(100 << 20) for _ in range(10)]
    heapscope.stop()
    snapshot = Capture(tmp_path / "in.at-800MiB.hscope")
    assert 800 * MIB < snapshot.live_bytes_at_end < 801 * MIB
    assert len(kept) == 10
    with pytest.raises(FileExistsError):
        heapscope.start(path, overwrite=False, snapshot_at="800MiB")
    with pytest.raises(ValueError, match="not a size"):
        heapscope.start(tmp_path / "other.hscope", snapshot_at="five")
    with pytest.raises(ValueError, match="stays"):
        heapscope.start(snapshot_at=5 * MIB)
    assert not heapscope.is_tracing()
    assert not (tmp_path / "other.hscope").exists()


PROFILED = GROWING.replace("def grow", "@profile\ndef grow")


def lines(directory: Path, *options: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    return run(directory, PROFILED, *options, answers=answers, verb="lines")


def test_a_profiled_program_stops_in_the_debugger_and_its_lines_are_told(tmp_path: Path) -> None:
    ended = lines(tmp_path, "--pdb-at", "40MiB", answers="p 'held', len(kept)\nc\n")
    assert ended.returncode == 0, ended.stderr
    assert any(f"('held', {count})" in ended.stdout for count in (38, 39, 40))
    assert "over\n" in ended.stdout
    assert "kept.append(bytes(1 << 20))" in ended.stdout


def test_a_profiled_program_leaves_a_snapshot_beside_its_capture(tmp_path: Path) -> None:
    ended = lines(tmp_path, "--snapshot-at", "40MiB", "--keep", "kept.hscope")
    assert ended.returncode == 0, ended.stderr
    assert 40 * MIB < Capture(tmp_path / "kept.at-40MiB.hscope").live_bytes_at_end < 42 * MIB
    (tmp_path / "kept.hscope").unlink()
    refused = lines(tmp_path, "--snapshot-at", "40MiB", "--keep", "kept.hscope")
    assert refused.returncode == 2
    assert "kept.at-40MiB.hscope" in refused.stderr

"""Captures read back in Python: figures, forms, errors, and positions against CPython's own."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import heapscope
from heapscope import _analysis

Record = Callable[..., str]

# What a test program begins with: tracking into the file that it is given.
PROLOGUE = """
import os, sys
from heapscope import _tracker
_tracker.start(sys.argv[1])
"""

PROGRAM = """
def keep(count):
    return [bytearray(98_821) for _ in range(count)]

def drop():
    big = bytearray(5_000_000)
    del big

kept = keep(7)
drop()
"""


@pytest.fixture
def record(tmp_path: pathlib.Path) -> Record:
    """Run a program under the tracker and name its capture, which nobody has sealed."""

    def run(program: str, *, status: int = 0, stop: bool = True, name: str = "out.hscope") -> str:
        path = str(tmp_path / name)
        script = tmp_path / "program.py"
        end = "\n_tracker.stop()\n" if stop else ""
        script.write_text(PROLOGUE + textwrap.dedent(program) + end, encoding="utf-8")
        finished = subprocess.run([sys.executable, str(script), path], check=False, timeout=60)
        assert finished.returncode == status
        return path

    return run


def line_of(capture: heapscope.Capture, text: str) -> dict[str, Any]:
    """The row of the line of the test program that has this text."""
    rows = capture.table("line")["rows"]
    file = next(row["file"] for row in rows if row["file"].endswith("program.py"))
    source = pathlib.Path(file).read_text(encoding="utf-8").splitlines()
    numbers = [number for number, line in enumerate(source, 1) if text in line]
    assert len(numbers) == 1
    (row,) = [row for row in rows if row["file"] == file and row["line"] == numbers[0]]
    return dict(row)


def test_a_line_has_the_bytes_that_it_keeps_and_the_peak_those_that_it_dropped(
    record: Record,
) -> None:
    capture = heapscope.Capture(record(PROGRAM))
    kept = line_of(capture, "bytearray(98_821)")
    assert kept["live_bytes"] >= 7 * 98_821
    assert kept["live_bytes"] < 7 * 98_821 + 2000
    dropped = line_of(capture, "bytearray(5_000_000)")
    assert dropped["live_bytes"] == 0
    assert dropped["peak_bytes"] >= 5_000_000
    assert dropped["temporary_bytes"] == dropped["allocated_bytes"]
    assert capture.peak_bytes >= 5_000_000 + 7 * 98_821
    assert capture.complete
    assert capture.damage == []


def test_all_groupings_trees_and_ranges_sum_to_the_summary(record: Record) -> None:
    capture = heapscope.Capture(record(PROGRAM + "import json, decimal\n"))
    summary = capture.summary()
    totals = {
        "peak": summary["peak_bytes"],
        "live": summary["live_bytes_at_end"],
        "allocated": summary["allocated_bytes"],
        "temporary": summary["temporary_bytes"],
        "count": summary["allocated_bytes"],
    }
    assert summary["freed_bytes"] == summary["allocated_bytes"] - summary["live_bytes_at_end"]
    assert summary["python_peak_bytes"] + summary["native_peak_bytes"] == summary["peak_bytes"]
    for metric, total in totals.items():
        figure = {"live": "live_bytes", "peak": "peak_bytes", "temporary": "temporary_bytes"}.get(
            metric, "allocated_bytes"
        )
        for group in ("site", "line", "function", "file", "module", "domain", "thread"):
            table = capture.table(group, metric)
            assert table["total_bytes"] == total
            assert sum(row[figure] for row in table["rows"]) == total
            assert table["hidden"] == {"rows": 0, "bytes": 0}
        for invert in (False, True):
            for node in tree_nodes(capture.tree(metric, 0.05, invert=invert)):
                below = sum(child["bytes"] for child in node["children"])
                assert node["bytes"] == node["self_bytes"] + node["hidden"]["bytes"] + below
    whole = capture.between(0, 1e9)
    assert whole["live_bytes"] == summary["live_bytes_at_end"]
    assert whole["allocated_bytes"] == summary["allocated_bytes"]


def tree_nodes(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node["children"])


def test_a_table_has_the_keys_of_its_schema(record: Record) -> None:
    capture = heapscope.Capture(record(PROGRAM))
    figures = {
        "peak_bytes", "peak_blocks", "live_bytes", "live_blocks", "allocated_bytes", "allocations",
        "temporary_bytes", "temporary_allocations", "largest_bytes",
    }  # fmt: skip
    of_frames = {
        "inclusive_peak_bytes", "inclusive_live_bytes", "inclusive_allocated_bytes",
        "inclusive_allocations", "inclusive_temporary_bytes", "inclusive_temporary_allocations",
        "owner", "distribution",
    }  # fmt: skip
    keys = {
        "site": {"file", "line", "function", "domain", "thread", "stack"} | of_frames,
        "line": {"file", "line", "function"} | of_frames,
        "function": {"file", "line", "function"} | of_frames,
        "file": {"file"} | of_frames,
        "module": {"module"} | of_frames,
        "domain": {"domain"},
        "thread": {"thread"},
    }
    for group, own in keys.items():
        table = capture.table(group, limit=2)
        assert table["schema"] == "heapscope/table/1"
        assert table["group_by"] == group
        for row in table["rows"]:
            assert set(row) == figures | own
    assert max(site.largest_bytes for site in capture.sites()) == 5_000_001
    (frame, *_) = capture.table("site")["rows"][0]["stack"]
    assert set(frame) == {"function", "file", "line", "column"}


def test_a_killed_program_leaves_a_capture_that_is_incomplete_and_whole(record: Record) -> None:
    path = record(PROGRAM + "os.kill(os.getpid(), 9)\n", status=-signal.SIGKILL, stop=False)
    capture = heapscope.Capture(path)
    assert not capture.complete
    assert capture.damage == []
    assert line_of(capture, "bytearray(98_821)")["live_bytes"] >= 7 * 98_821
    assert sum(site.peak_bytes for site in capture.sites()) == capture.peak_bytes


def test_a_running_program_can_be_read_at_any_time(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "out.hscope")
    program = PROLOGUE + textwrap.dedent(
        """
        print("running", flush=True)
        kept = []
        source = "def f{0}():\\n    return [bytearray({0}) for _ in range(3)]\\nkept += f{0}()"
        for number in range(10**9):
            exec(compile(source.format(number), f"file{number}.py", "exec"))
            if len(kept) > 3_000:
                kept.clear()
        """
    )
    command = [sys.executable, "-c", program, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        try:
            assert running.stdout is not None
            running.stdout.readline()
            sites = 0
            for _ in range(20):
                capture = heapscope.Capture(path)
                assert capture.damage == []
                assert not capture.complete
                summary = capture.summary()
                assert summary["sites"] >= sites
                sites = summary["sites"]
                assert capture.table("domain", "live")["total_bytes"] == capture.live_bytes_at_end
            assert sites > 0
        finally:
            running.kill()


def test_sealing_keeps_every_figure_and_notes_the_exit_status(record: Record) -> None:
    path = record(PROGRAM)
    live = heapscope.Capture(path)
    size = os.path.getsize(path)
    _analysis.seal(path, exit_status=-9, metadata={"note": "ünd"})
    sealed = heapscope.Capture(path)
    assert os.path.getsize(path) < size / 20
    assert os.listdir(os.path.dirname(path)).count("out.hscope") == 1
    assert sealed.summary()["exit_status"] == -9
    assert sealed.metadata["note"] == "ünd"
    assert sealed.table("site")["rows"] == live.table("site")["rows"]
    assert sealed.tree() == live.tree()
    assert sealed.timeline == live.timeline
    assert sealed.between(0, 0.01) == live.between(0, 0.01)


def test_the_timeline_has_columns_of_one_length_and_ends_with_the_run(record: Record) -> None:
    capture = heapscope.Capture(record(PROGRAM + "for _ in range(300_000): object()\n"))
    timeline = capture.timeline
    lengths = {len(column) for column in timeline.values()}
    assert len(lengths) == 1
    times = timeline["time_s"]
    assert times == sorted(times)
    assert times[-1] <= capture.summary()["duration_s"] + 1e-9
    assert max(timeline["max_live_bytes"]) == capture.peak_bytes


def test_what_was_freed_before_a_time_is_not_live_at_it(record: Record) -> None:
    capture = heapscope.Capture(record(PROGRAM))
    at_end = capture.at(1e9)
    assert at_end["from_s"] == 0
    assert sum(row["live_bytes"] for row in at_end["rows"]) == capture.live_bytes_at_end
    functions = {row["function"] for row in at_end["rows"] if row["live_bytes"]}
    assert "drop" not in functions


def test_deep_stacks_make_a_deep_tree(record: Record) -> None:
    capture = heapscope.Capture(
        record(
            """
            def down(depth):
                return down(depth - 1) if depth else bytearray(30_000_000)
            sys.setrecursionlimit(20_000)
            kept = down(5_000)
            """
        )
    )
    site = capture.sites(limit=1)[0]
    assert len(site.stack) == 5_002
    depth = sum(1 for _ in tree_nodes(capture.tree(threshold=0.5)))
    assert depth == 5_003
    (row,) = [row for row in capture.table("function")["rows"] if row["function"] == "down"]
    assert row["inclusive_peak_bytes"] <= capture.peak_bytes
    assert row["inclusive_allocated_bytes"] <= capture.allocated_bytes
    (row, *_) = capture.table("function", inclusive=True)["rows"]
    assert row["function"] == "<module>"
    with pytest.raises(ValueError, match="no inclusive figures"):
        capture.table("thread", inclusive=True)


def test_names_that_are_no_utf_8_come_back_unchanged(record: Record) -> None:
    capture = heapscope.Capture(
        record(
            r"""
            code = compile("kept = bytearray(7_000_000)", "odd\udcff \N{SNOWMAN}.py", "exec")
            exec(code)
            """
        )
    )
    assert capture.sites(limit=1)[0].file == "odd\udcff \N{SNOWMAN}.py"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"#!/bin/sh\n", "is not a heapscope capture"),
        (b"HSCOPEL\n", "is cut inside its header"),
        (b"HSCOPES\n" + b"\x63" + bytes(100), "format version 99"),
    ],
)
def test_a_file_that_is_no_capture_is_one_clear_line(
    tmp_path: pathlib.Path, content: bytes, message: str
) -> None:
    path = tmp_path / "bad.hscope"
    path.write_bytes(content)
    with pytest.raises(heapscope.CaptureError, match=message) as caught:
        heapscope.Capture(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert caught.value.path == str(path)
    with pytest.raises(heapscope.CaptureError):
        _analysis.seal(path)
    assert path.read_bytes() == content


def test_a_missing_file_a_directory_and_a_pipe_are_refused(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, message in (
        ("no", "No such file"),
        ("", "is a directory"),
        ("pipe", "not a regular file"),
    ):
        with pytest.raises(heapscope.CaptureError, match=message):
            heapscope.Capture(tmp_path / name)


def test_a_cut_capture_is_read_as_far_as_it_goes_and_left_alone_by_seal(record: Record) -> None:
    path = record(PROGRAM)
    size = os.path.getsize(path)
    os.truncate(path, size - size // 3)
    capture = heapscope.Capture(path)
    assert any("missing" in line for line in capture.damage)
    assert capture.summary()["damage"] == capture.damage
    with pytest.raises(heapscope.CaptureError, match="damaged"):
        _analysis.seal(path)
    assert os.path.getsize(path) == size - size // 3


def test_questions_with_unknown_words_are_refused(record: Record) -> None:
    capture = heapscope.Capture(record("x = 1\n"))
    calls: list[Callable[[], object]] = [
        lambda: capture.table("colour"),
        lambda: capture.table("line", "weight"),
        lambda: capture.tree("weight"),
        lambda: capture.tree(threshold=2),
        lambda: capture.table("line", limit=0),
    ]
    for call in calls:
        with pytest.raises(ValueError):
            call()


def test_a_reader_needs_less_than_four_gigabytes_of_addresses(record: Record) -> None:
    path = record(PROGRAM)
    read = (
        "import resource, sys, heapscope\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "assert heapscope.Capture(sys.argv[1]).peak_bytes > 5_000_000\n"
    )
    subprocess.run([sys.executable, "-c", read, path], check=True, timeout=60)


# ---- positions


def codes_below(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_below(constant)


def standard_library(every: int) -> Iterator[types.CodeType]:
    root = pathlib.Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.glob("*.py"))[::every] + sorted(root.glob("asyncio/*.py"))[::every]:
        yield from codes_below(compile(path.read_bytes(), str(path), "exec", dont_inherit=True))


def decoded(code: types.CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    """The position of each code unit, as the reader has it: line, end line, column, end column."""
    kind = 10 if sys.version_info < (3, 11) else 11
    units: list[tuple[int | None, int | None, int | None, int | None]] = []
    for begin, end, *position in _analysis.positions(code.co_linetable, kind, code.co_firstlineno):
        assert begin == 2 * len(units)
        units += [(position[0], position[1], position[2], position[3])] * ((end - begin) // 2)
    return units


def test_every_instruction_has_the_line_that_cpython_gives_it() -> None:
    seen = 0
    for code in standard_library(every=2):
        lines: list[int | None] = []
        for begin, end, line in code.co_lines():
            assert begin == 2 * len(lines)
            lines += [line or None] * ((end - begin) // 2)  # line 0 of a module's start is none
        assert [unit[0] for unit in decoded(code)] == lines, code
        seen += 1
    assert seen > 1000


if sys.version_info >= (3, 11):

    def test_every_instruction_has_the_columns_that_cpython_gives_it() -> None:
        seen = 0
        for code in standard_library(every=2):
            expected = [(line or None, *rest) for line, *rest in code.co_positions()]
            assert decoded(code) == expected, code
            seen += 1
        assert seen > 1000


def test_a_line_beyond_sixteen_bits_is_found() -> None:
    source = "x = 1\n" + "\n" * 100_000 + "y = 2\n" + "(\n" + "\n" * 70_000 + "x)\n"
    code = compile(source, "long.py", "exec")
    lines = {unit[0] for unit in decoded(code)}
    assert {1, 100_002} <= lines
    assert max(line for line in lines if line) > 170_000


def test_each_of_several_peaks_is_found_with_what_was_live_at_it(record: Record) -> None:
    capture = heapscope.Capture(
        record(
            """
            import time

            def work():
                end = time.monotonic() + 0.05  # several ticks
                while time.monotonic() < end:
                    str(10**50)

            def climb(size):
                kept = bytearray(size)
                work()
                return len(kept)

            for size in (30_000_000, 50_000_000, 40_000_000):
                climb(size)
                work()
            """
        )
    )
    peaks = capture.peaks()
    assert [round(peak["bytes"], -7) for peak in peaks[:3]] == [50_000_000, 40_000_000, 30_000_000]
    first, second, third = peaks[:3]
    assert first["bytes"] == capture.peak_bytes
    assert third["at_s"] < first["at_s"] < second["at_s"]
    assert capture.peaks(limit=1) == peaks[:1]
    for peak in peaks:
        live = capture.at(peak["known_at_s"])
        assert live["live_bytes"] == peak["known_bytes"]
        assert live["allocated_bytes"] == live["live_bytes"] + live["freed_bytes"]
    for arguments in ({"limit": 0}, {"fall": 0.0}, {"fall": 1.5}):
        with pytest.raises(ValueError):
            capture.peaks(**arguments)  # type: ignore[arg-type]

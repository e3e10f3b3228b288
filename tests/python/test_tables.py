"""The Arrow tables of a capture say what its other answers say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from recorded import record

from heapscope import Capture, HeapscopeError, _analysis, tables
from heapscope.cli.main import main

pytestmark = pytest.mark.one_version

PROGRAM = """\
import threading
import time


def recurse(depth):
    return [bytearray(1000)] if depth == 0 else recurse(depth - 1) + [bytearray(100)]


def work():
    return [bytearray(10_000) for _ in range(50)]


kept = [recurse(30)]
thread = threading.Thread(target=lambda: kept.append(work()), name="second")
thread.start()
thread.join()
for _ in range(20_000):
    str(10**30)
time.sleep(0.3)  # nothing is allocated: only the sampler sees it
"""
FIGURES = (
    "peak_bytes", "peak_blocks", "live_bytes", "live_blocks", "allocated_bytes", "allocations",
    "temporary_bytes", "temporary_allocations",
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return record(tmp_path_factory.mktemp("tables"), PROGRAM)


@pytest.fixture(scope="module")
def made(path: str) -> Any:
    return tables.tables([Capture(path)])


def test_sites_are_those_of_the_capture(path: str, made: dict[str, Any]) -> None:
    keys = ("file", "line", "function", "domain", "thread", *FIGURES)

    def comparable(row: dict[str, Any]) -> str:
        frames = [
            tuple(frame[key] for key in ("function", "file", "line", "column"))
            for frame in row["stack"]
        ]
        return repr([row[key] for key in keys] + frames)

    expected = _analysis.Capture(path).table("site", "peak")["rows"]
    rows = made["sites"].to_pylist()
    assert len(rows) > 100
    assert sorted(map(comparable, rows)) == sorted(map(comparable, expected))
    assert all(row["stack_depth"] == len(row["stack"]) for row in rows)
    assert max(row["stack_depth"] for row in rows) > 30
    assert {row["capture"] for row in rows} == {path}


def test_sites_and_threads_sum_to_the_summary(path: str, made: dict[str, Any]) -> None:
    import pyarrow.compute as compute

    summary = Capture(path).summary()
    of_summary = {
        "peak_bytes": summary["peak_bytes"],
        "peak_blocks": summary["peak_blocks"],
        "live_bytes": summary["live_bytes_at_end"],
        "live_blocks": summary["live_blocks_at_end"],
        "allocated_bytes": summary["allocated_bytes"],
        "allocations": summary["allocations"],
        "temporary_bytes": summary["temporary_bytes"],
        "temporary_allocations": summary["temporary_allocations"],
    }
    for name in ("sites", "threads"):
        sums = {key: compute.sum(made[name][key]).as_py() for key in FIGURES}
        assert sums == of_summary
    assert "second" in made["threads"]["thread"].to_pylist()


def test_owners_modules_and_distributions_are_those_of_the_table_verb(
    path: str, made: dict[str, Any]
) -> None:
    by_module: dict[str, int] = {}
    owners = set()
    for row in made["sites"].to_pylist():
        by_module[row["module"]] = by_module.get(row["module"], 0) + row["peak_bytes"]
        owners.add((row["file"], row["owner"], row["distribution"]))
    document = Capture(path).table("module")
    assert {row["module"]: row["peak_bytes"] for row in document["rows"] if row["peak_bytes"]} == {
        module: peak for module, peak in by_module.items() if peak
    }
    for row in Capture(path).table("file")["rows"]:
        if row["allocations"]:
            assert (row["file"], row["owner"], row["distribution"]) in owners


def test_ticks_are_the_timeline(path: str, made: dict[str, Any]) -> None:
    timeline = Capture(path).timeline
    assert made["ticks"].num_rows == len(timeline["time_s"])
    assert set(timeline["sampled_by"]) == {"tracker", "sampler"}
    for name, column in timeline.items():
        assert made["ticks"][name].to_pylist() == column
    for row in made["ticks"].to_pylist():
        if row["sampled_by"] == "tracker":
            assert 0 <= row["python_live_bytes"] <= row["live_bytes"]
        else:
            assert row["python_live_bytes"] is None


def test_frames_are_what_stacks_refer_to(made: dict[str, Any]) -> None:
    frames = {row["frame"]: row for row in made["frames"].to_pylist()}
    for row in made["sites"].to_pylist():
        own = frames[row["frame"]]
        assert (own["file"], own["line"]) == (row["file"], row["line"])
        for frame in row["stack"]:
            known = frames[frame["frame"]]
            assert {key: known[key] for key in frame} == frame


def test_captures_lie_one_below_the_other(path: str, made: dict[str, Any], tmp_path: Path) -> None:
    other = record(tmp_path, "kept = bytearray(100)\n")
    both = tables.tables([Capture(path), Capture(other)])
    for name in tables.TABLES:
        assert both[name].schema == made[name].schema
        rows = both[name].to_pylist()
        assert [row for row in rows if row["capture"] == path] == made[name].to_pylist()
        assert any(row["capture"] == other for row in rows)


def test_names_that_are_no_text_are_shown_as_in_the_terminal(tmp_path: Path) -> None:
    program = (
        "code = compile('kept = bytearray(70_000)', 'odd\\udcff\\u202e.py', 'exec')\nexec(code)\n"
    )
    made = tables.tables([Capture(record(tmp_path, program))])
    names = {row["file"] for row in made["sites"].to_pylist() if row["live_bytes"] >= 70_000}
    assert names >= {"odd\\udcff\u202e.py"}


def test_a_missing_extra_is_one_line_that_says_what_to_install(path: str, tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ModuleNotFoundError('gone', name='pyarrow')")
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "query", path, "select 1"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == ("heapscope: pyarrow is not installed: pip install 'heapscope[query]'\n")


def test_a_broken_extra_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_extra.py").write_text("import no_such_module_of_mine")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(HeapscopeError, match=r"cannot be loaded \(No module named 'no_such_"):
        tables.import_extra("broken_extra", "query")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_files_of_tables_read_back_as_the_tables(
    path: str,
    made: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    import duckdb
    import pyarrow
    import pyarrow.parquet

    directory = tmp_path / "out"
    assert main(["export", path, "--format", kind, "-o", str(directory)]) == 0
    assert capsys.readouterr().out.startswith(f"{directory}  ")
    assert sorted(each.name for each in directory.iterdir()) == sorted(
        f"{name}.{kind}" for name in tables.TABLES
    )
    for name in tables.TABLES:
        file = directory / f"{name}.{kind}"
        if kind == "parquet":
            read = pyarrow.parquet.read_table(file)
            ((counted,),) = duckdb.sql(f"select count(*) from '{file}'").fetchall()
            assert counted == made[name].num_rows
        else:
            with pyarrow.OSFile(str(file)) as source:
                read = pyarrow.ipc.open_file(source).read_all()
        assert read.schema.names == made[name].schema.names
        assert read.to_pylist() == made[name].to_pylist()


def test_tables_are_written_all_or_none_and_never_over_others(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "out"
    arguments = ["export", path, "--format", "parquet", "-o", str(directory)]
    directory.mkdir()
    (directory / "own.txt").write_text("mine")
    assert main(arguments) == 0
    before = {each.name: each.read_bytes() for each in directory.iterdir()}
    assert len(before) == 5
    capsys.readouterr()
    assert main(arguments) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == 0
    assert {each.name: each.read_bytes() for each in directory.iterdir()} == before
    (directory / "ticks.parquet").unlink()
    (directory / "ticks.parquet").mkdir()  # cannot be replaced
    (directory / "sites.parquet").write_bytes(b"old")
    assert main([*arguments, "--force"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert (directory / "sites.parquet").read_bytes() == b"old"
    assert not [each for each in directory.iterdir() if each.name.endswith(".tmp")]
    for other in (str(tmp_path / "none" / "such"), path, str(directory / "own.txt"), "-"):
        assert main(["export", path, "--format", "arrow", "-o", other]) == 2
        written = capsys.readouterr()
        assert len(written.err.splitlines()) == 1
        assert written.out == ""
    assert not (tmp_path / "none").exists()

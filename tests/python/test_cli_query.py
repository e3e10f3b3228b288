"""`heapscope query`: answers, forms of output, and SQL that means harm."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from recorded import record

from heapscope import Capture
from heapscope.cli.main import main

pytestmark = pytest.mark.one_version

PROGRAM = """\
def keep(size):
    return [bytearray(size) for _ in range(100)]


def recurse(depth):
    return keep(1000) if depth == 0 else recurse(depth - 1)


kept = keep(10_000), recurse(5)
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return record(tmp_path_factory.mktemp("query"), PROGRAM)


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["query", *arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "heapscope/query/1"
    return list(document["rows"])


def test_sums_in_sql_are_the_summary(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    summary = Capture(path).summary()
    (row,) = rows(capsys, path, "select sum(peak_bytes) as peak, sum(allocations) as n from sites")
    assert row == {"peak": summary["peak_bytes"], "n": summary["allocations"]}


def test_groups_in_sql_are_the_table(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "select file, sum(live_bytes) as live from sites group by all having live > 0"
    expected = {
        row["file"]: row["live_bytes"]
        for row in Capture(path).table("file", "live")["rows"]
        if row["live_bytes"]
    }
    assert {row["file"]: row["live"] for row in rows(capsys, path, sql)} == expected


def test_inclusive_figures_come_from_the_stacks(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = """
        select file, function, sum(peak_bytes) as peak from (
            select distinct site, peak_bytes, called.function as function, called.file as file
            from sites, unnest(stack) as frames(called))
        group by all having peak > 0"""
    expected = {
        (row["file"], row["function"]): row["inclusive_peak_bytes"]
        for row in Capture(path).table("function", inclusive=True)["rows"]
        if row["file"].endswith("work.py")
    }
    made = {(row["file"], row["function"]): row["peak"] for row in rows(capsys, path, sql)}
    assert len(expected) >= 3
    assert {key: made[key] for key in expected} == expected


def test_several_captures_are_told_apart(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = record(tmp_path, "kept = bytearray(123_456)\n")
    sql = "select capture, sum(peak_bytes) as peak from sites group by all"
    made = {row["capture"]: row["peak"] for row in rows(capsys, path, other, sql)}
    assert made == {each: Capture(each).peak_bytes for each in (path, other)}


def test_values_of_all_types_are_json_and_csv(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = (
        "select 1::hugeint << 80 as h, 1.25::decimal(9,2) as d, 'nan'::double as x, null as n, "
        "'a\"b,c' as t, [1, null] as l, {'k': 'v'} as s, date '2026-01-02' as day, true as b, "
        "1 as h"
    )
    (row,) = rows(capsys, path, sql)
    assert row == {
        "h": 1 << 80, "d": 1.25, "x": None, "n": None, "t": 'a"b,c', "l": [1, None],
        "s": {"k": "v"}, "day": "2026-01-02", "b": True, "h_2": 1,
    }  # fmt: skip
    assert main(["query", path, sql, "--csv"]) == 0
    header, values = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == list(row)
    assert dict(zip(header, values, strict=True)) == {
        "h": str(1 << 80), "d": "1.25", "x": "", "n": "", "t": 'a"b,c', "l": "[1, null]",
        "s": '{"k": "v"}', "day": "2026-01-02", "b": "true", "h_2": "1",
    }  # fmt: skip


def test_the_table_fits_and_cuts_no_number(path: str) -> None:
    sql = (
        "select file, function, module, 123456789012345678 as number, file || file as twice, "
        "1/3 as third from sites order by peak_bytes desc"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "query", path, sql, "--limit", "5"],
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    header, *lines, more = ended.stdout.splitlines()
    assert header.split() == ["file", "function", "module", "number", "twice", "third"]
    assert len(lines) == 5
    assert all("123,456,789,012,345,678" in line and "0.333333" in line for line in lines)
    assert all(len(line) <= 80 for line in [header, *lines, more])
    assert more.startswith("more than 5 rows")


def test_hostile_names_are_shown_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = "exec(compile('kept = bytearray(70_000)', 'a\\x1b[2J\\n\\u202e.py', 'exec'))\n"
    capture = record(tmp_path, program)
    assert main(["query", capture, "select file from sites where file like 'a%' limit 1"]) == 0
    assert capsys.readouterr().out.splitlines() == ["file", "a\\x1b[2J\\n\\u202e.py"]


HOSTILE = (
    "select * from '{there}'",
    "select * from read_csv('{there}')",
    "select * from read_text('{there}')",
    "select * from read_blob('/etc/passwd')",
    "select * from glob('/*')",
    "copy sites to '{made}'",
    "copy (select 1) to '{made}' (format parquet)",
    "export database '{made}'",
    "import database '{there}'",
    "attach '{made}' as other",
    "attach '{there}' as other (type sqlite)",
    "install httpfs",
    "load '{there}'",
    "set enable_external_access = true",
    "reset enable_external_access",
    "set lock_configuration = false",
    "set temp_directory = '{made}'",
    "set home_directory = '{made}'",
    "pragma enable_profiling; set profiling_output = '{made}'",
    "pragma profile_output = '{made}'",
    "call enable_logging(storage_path = '{made}')",
    "pragma log_query_path = '{made}'",
    "create persistent secret s (type http)",
    "select 1; copy sites to '{made}'",
    "select * from made",
    "select * from capture_of_python",
)


@pytest.mark.parametrize("sql", HOSTILE)
def test_sql_reaches_no_file_and_no_object(
    path: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sql: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    there, made = tmp_path / "there.csv", tmp_path / "made"
    there.write_text("a\n1\n")
    assert main(["query", path, sql.format(there=there, made=made)]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert len(written.err.splitlines()) == 1
    assert written.err.startswith("heapscope: ")
    assert [each.name for each in tmp_path.iterdir()] == ["there.csv"]


def test_files_are_reached_when_that_is_allowed(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made.parquet"
    assert main(["query", path, f"copy sites to '{made}'", "--allow-files"]) == 0
    capsys.readouterr()
    sql = f"select sum(peak_bytes) as peak from '{made}'"
    assert rows(capsys, path, sql, "--allow-files") == [{"peak": Capture(path).peak_bytes}]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "the SQL is empty"),
        ("-- nothing", "the SQL is empty"),
        ("selec 1", "syntax error"),
        ("select fil from sites", 'Candidate bindings: "file"'),
        ("select sum(file) from sites", "sum"),
        ("select error('a\nb')", "a"),
    ],
)
def test_wrong_sql_is_one_line(
    path: str, capsys: pytest.CaptureFixture[str], sql: str, said: str
) -> None:
    assert main(["query", path, sql]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert len(written.err.splitlines()) == 1
    assert said in written.err


def test_options_may_stand_anywhere(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "--csv", path, "-q", path, "select count(*) > 0 as some from sites"]) == 0
    assert capsys.readouterr().out == "some\ntrue\n"
    assert main(["query", path]) == 2

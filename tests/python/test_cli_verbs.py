"""`summary`, `tree` and `table` on real captures: what they print, where, and their exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heapscope import _analysis
from heapscope.cli.main import main

PROGRAM = """\
import threading


def keep(size):
    return bytearray(size)


def load():
    return [keep(1_000_000) for _ in range(30)]


def work():
    return keep(2_000_000)


def main():
    kept = load()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    for _ in range(1000):
        str(10**50)
    kept.clear()


main()
"""
METRICS = ("peak", "live", "allocated", "temporary", "count")
GROUPS = ("site", "line", "function", "file", "module", "domain", "thread")


def heapscope(
    directory: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heapscope", *arguments],
        cwd=directory,
        env={**os.environ, "COLUMNS": "80", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a program, its capture, and the capture of a killed one."""
    path = tmp_path_factory.mktemp("verbs")
    (path / "work.py").write_text(PROGRAM)
    killed = PROGRAM.replace("kept.clear()", "import os; os.kill(os.getpid(), 9)")
    (path / "killed.py").write_text(killed)
    assert heapscope(path, "run", "-o", "work.hscope", "work.py").returncode == 0
    assert heapscope(path, "run", "-o", "killed.hscope", "killed.py").returncode == 137
    return path


def document(directory: Path, *arguments: str) -> dict[str, Any]:
    ended = heapscope(directory, *arguments, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["schema"] == f"heapscope/{arguments[0]}/1"
    return found


def test_the_headline_names_the_programs_line_that_holds_the_peak(directory: Path) -> None:
    text = heapscope(directory, "summary", "work.hscope").stdout
    headline = text.splitlines()[0]
    assert re.fullmatch(
        r"Peak [\d.]+ MiB at [\d.]+ m?s; \d+ % from keep\(\) at work.py:5", headline
    )
    assert "return bytearray(size)" in text
    assert re.search(r"command +python\S* work.py\n", text)
    assert "exit code 0" in text
    assert "every event recorded" in text
    assert "next:" not in text, "nobody reads a hint in a pipe"


def test_the_summarys_figures_are_those_of_its_json(directory: Path) -> None:
    found = document(directory, "summary", "work.hscope")
    text = heapscope(directory, "summary", "work.hscope").stdout
    assert found["peak_bytes"] > 32_000_000
    assert f"{found['allocations']:,} allocations" in text
    assert found["exit_status"] == 0
    assert found["complete"] is True


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a verb prints, without starting an interpreter for it."""
    assert main(list(arguments)) == 0
    printed, remarks = capsys.readouterr()
    assert remarks == ""
    return printed


@pytest.mark.one_version
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("group", GROUPS)
def test_rows_of_every_table_sum_to_its_total(
    directory: Path, capsys: pytest.CaptureFixture[str], group: str, metric: str
) -> None:
    arguments = ["table", str(directory / "work.hscope"), "--group-by", group, "--metric", metric]
    found = json.loads(answer(capsys, *arguments, "--json"))
    key = "allocated_bytes" if metric == "count" else f"{metric}_bytes"
    assert sum(row[key] for row in found["rows"]) == found["total_bytes"]
    assert f"by {group}" in answer(capsys, *arguments).splitlines()[0]


@pytest.mark.one_version
@pytest.mark.parametrize("invert", [[], ["--invert"]])
@pytest.mark.parametrize("metric", METRICS)
def test_every_node_of_a_tree_is_its_parts(
    directory: Path, capsys: pytest.CaptureFixture[str], metric: str, invert: list[str]
) -> None:
    arguments = ["tree", str(directory / "work.hscope"), "--metric", metric, *invert]
    found = json.loads(answer(capsys, *arguments, "--json"))
    assert found["schema"] == "heapscope/tree/1"
    assert found["metric"] == metric
    pending = [found]
    while pending:
        node = pending.pop()
        parts = sum(child["bytes"] for child in node["children"]) + node["hidden"]["bytes"]
        assert parts <= node["bytes"]
        pending.extend(node["children"])
    assert "work.py" in answer(capsys, *arguments)


def test_the_tree_shows_the_way_to_the_allocating_line(directory: Path) -> None:
    lines = heapscope(directory, "tree", "work.hscope").stdout.splitlines()
    places = [re.search(r"work.py:(\d+)  (\S+)", line) for line in lines]
    way = [(int(place[1]), place[2]) for place in places if place]
    load = way.index((9, "load"))
    assert way.index((26, "<module>")) < way.index((17, "main")) < load < way.index((5, "keep"))
    assert any(line.endswith("return bytearray(size)") for line in lines)


@pytest.mark.one_version
def test_a_threshold_folds_what_is_smaller(directory: Path) -> None:
    everything = heapscope(directory, "tree", "work.hscope", "--threshold", "0%").stdout
    little = heapscope(directory, "tree", "work.hscope", "--threshold", "50%").stdout
    assert "work.py:13  work" in everything
    assert "work.py:13  work" not in little


@pytest.mark.one_version
def test_a_limit_cuts_rows_and_says_how_many(directory: Path) -> None:
    shown = heapscope(directory, "table", "work.hscope", "--limit", "2").stdout
    found = document(directory, "table", "work.hscope", "--limit", "2")
    everything = document(directory, "table", "work.hscope")
    assert len(found["rows"]) == 2
    assert found["total_bytes"] == everything["total_bytes"]
    assert f"{len(everything['rows']) - 2:,} more rows" in shown


@pytest.mark.one_version
@pytest.mark.parametrize("metric", METRICS)
def test_inclusive_rows_have_what_was_allocated_further_in_and_are_in_its_order(
    directory: Path, capsys: pytest.CaptureFixture[str], metric: str
) -> None:
    arguments = ["table", str(directory / "work.hscope"), "--group-by", "function", "--inclusive"]
    arguments += ["--metric", metric]
    found = json.loads(answer(capsys, *arguments, "--json"))
    key = "allocations" if metric == "count" else f"{metric}_bytes"
    figures = [row[f"inclusive_{key}"] for row in found["rows"]]
    assert figures == sorted(figures, reverse=True)
    assert all(row[key] <= row[f"inclusive_{key}"] for row in found["rows"])
    own = [row for row in found["rows"] if (row["file"] or "").endswith("work.py")]
    assert {row["owner"] for row in own} == {"program"}
    of = {row["function"]: row[f"inclusive_{key}"] for row in own}
    assert of["<module>"] >= of["main"] >= of.get("load", 0)
    header = answer(capsys, *arguments).splitlines()[2]
    assert header.split() == ["inclusive", "share", "own", "function"]


@pytest.mark.one_version
def test_inclusive_figures_are_of_frames(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(directory / "work.hscope")
    assert main(["table", path, "--group-by", "domain", "--inclusive"]) == 2
    printed, said = capsys.readouterr()
    assert (printed, said.count("\n")) == ("", 1)
    assert "--group-by domain" in said


@pytest.mark.one_version
@pytest.mark.parametrize("columns", ["40", "80", "200"])
@pytest.mark.parametrize(
    "arguments", [["summary"], ["tree", "--threshold", "0%"], ["table", "--group-by", "site"]]
)
def test_output_fits_the_terminal_and_cuts_no_figure(
    directory: Path, arguments: list[str], columns: str
) -> None:
    verb, *options = arguments
    lines = heapscope(
        directory, verb, "work.hscope", *options, environment={"COLUMNS": columns}
    ).stdout.splitlines()
    figures = [line for line in lines if re.match(r" *[\d.]+ [KMG]?i?B +<?[\d.]+ %", line)]
    assert len(figures) >= 2
    assert max(len(line) for line in figures) <= int(columns)


def test_output_is_plain_unless_it_goes_to_a_terminal(directory: Path) -> None:
    for options in ([], ["--no-color"]):
        assert "\x1b" not in heapscope(directory, "summary", "work.hscope", *options).stdout


TERMINAL = """
import os, pty, sys
process, terminal = pty.fork()
if not process:
    os.execv(sys.executable, [sys.executable, "-m", "heapscope", *sys.argv[1:]])
text = b""
try:
    while part := os.read(terminal, 10_000):
        text += part
except OSError:
    pass
os.waitpid(process, 0)
sys.stdout.buffer.write(text)
"""


@pytest.mark.one_version
@pytest.mark.parametrize(
    ("options", "variables", "bright"),
    [([], {}, True), (["--no-color"], {}, False), ([], {"NO_COLOR": "1"}, False)],
)
def test_colour_can_be_switched_off(
    directory: Path, options: list[str], variables: dict[str, str], bright: bool
) -> None:
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    if not variables:
        environment.pop("NO_COLOR", None)
    command = [sys.executable, "-c", TERMINAL, "table", "work.hscope", *options]
    ended = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, timeout=60, check=True
    )
    assert b"work.py" in ended.stdout
    assert b"\x1b[3" in ended.stdout or b"\x1b[1m" in ended.stdout or not bright
    if not bright:
        assert not re.search(rb"\x1b\[[\d;]*3\d", ended.stdout)


@pytest.mark.one_version
@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["summary"], b"next: heapscope tree 'my work.hscope'   who called these lines"),
        (["tree"], b"next: heapscope tree 'my work.hscope' --invert"),
        (["tree", "--invert"], b"next: heapscope table 'my work.hscope' --group-by function"),
        (["table"], b"next: heapscope tree 'my work.hscope' --invert"),
        (["table", "--group-by", "module"], b"next: heapscope table 'my work.hscope' --group-by"),
        (["summary", "-q"], b""),
    ],
)
def test_on_a_terminal_the_last_lines_are_the_next_commands(
    directory: Path, tmp_path: Path, arguments: list[str], hint: bytes
) -> None:
    (tmp_path / "my work.hscope").write_bytes((directory / "work.hscope").read_bytes())
    verb, *options = arguments
    ended = subprocess.run(
        [sys.executable, "-c", TERMINAL, verb, "my work.hscope", *options],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    plain = re.sub(rb"\x1b\[[\d;]*m", b"", ended.stdout)
    assert (b"\nnext: " in plain) == bool(hint)
    assert hint in plain
    if hint:
        for command in re.findall(
            rb"heapscope (.*?)(?:   |\r\n)", plain[plain.index(b"\nnext: ") :]
        ):
            assert command.split()[0] in (b"tree", b"table", b"top")


@pytest.mark.one_version
def test_a_killed_program_is_no_damage(directory: Path) -> None:
    for verb in ("summary", "tree", "table"):
        ended = heapscope(directory, verb, "killed.hscope")
        assert ended.returncode == 0
        assert re.fullmatch(
            r"heapscope: killed.hscope: the program was killed[^\n]+\n", ended.stderr
        )
        assert "work" in ended.stdout or "killed.py" in ended.stdout
        assert heapscope(directory, verb, "killed.hscope", "-q").stderr == ""
    assert (
        json.loads(heapscope(directory, "summary", "killed.hscope", "--json").stdout)["complete"]
        is False
    )


@pytest.mark.one_version
@pytest.mark.parametrize("verb", ["summary", "tree", "table"])
def test_unusable_input_is_one_line_and_exit_code_2(directory: Path, verb: str) -> None:
    (directory / "empty.hscope").write_bytes(b"")
    (directory / "foreign.hscope").write_bytes(b"GIF89a" + bytes(5_000))
    for name in ("missing.hscope", "empty.hscope", "foreign.hscope", ".", "work.py/x"):
        ended = heapscope(directory, verb, name)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert re.fullmatch(r"heapscope: [^\n]+\n", ended.stderr)


@pytest.mark.one_version
@pytest.mark.parametrize(
    "arguments",
    [
        ["summary"],
        ["summary", "work.hscope", "extra"],
        ["tree", "work.hscope", "--metric", "beauty"],
        ["tree", "work.hscope", "--threshold", "many"],
        ["table", "work.hscope", "--limit", "0"],
        ["table", "work.hscope", "--group-by", "mood"],
        ["table", "work.hscope", "--jso"],
        ["conjure", "work.hscope"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_code_2(directory: Path, arguments: list[str]) -> None:
    ended = heapscope(directory, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"heapscope: [^\n]+\n", ended.stderr)


@pytest.mark.one_version
def test_a_damaged_capture_shows_what_is_left_and_exits_with_3(
    directory: Path, tmp_path: Path
) -> None:
    whole = (directory / "work.hscope").read_bytes()
    codes = set()
    for removed in range(1, len(whole), max(len(whole) // 40, 1)):
        (tmp_path / "part.hscope").write_bytes(whole[:-removed])
        ended = heapscope(tmp_path, "summary", "part.hscope")
        codes.add(ended.returncode)
        assert ended.returncode in (2, 3)
        assert re.fullmatch(r"heapscope: [^\n]+\n", ended.stderr)
        assert bool(ended.stdout) == (ended.returncode == 3)
    assert codes <= {2, 3}


@pytest.mark.parametrize("verb", ["run", "summary", "tree", "table"])
def test_help_has_an_example(directory: Path, verb: str) -> None:
    ended = heapscope(directory, verb, "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"example:\n  heapscope {verb} " in ended.stdout


def test_without_a_verb_the_verbs_are_listed(directory: Path) -> None:
    for arguments, code in (([], 2), (["--help"], 0)):
        ended = heapscope(directory, *arguments)
        assert ended.returncode == code
        for verb in ("run", "summary", "tree", "table"):
            assert re.search(rf"^  {verb} ", ended.stdout + ended.stderr, re.MULTILINE)


def test_a_reader_that_goes_away_is_no_error(directory: Path) -> None:
    command = (
        f"'{sys.executable}' -m heapscope table work.hscope --json --group-by site | head -c 9"
    )
    ended = subprocess.run(
        ["sh", "-c", command], cwd=directory, capture_output=True, text=True, timeout=60
    )
    assert ended.stdout == '{"schema"'
    assert ended.stderr == ""


def test_an_output_that_takes_only_ascii_is_no_error(directory: Path) -> None:
    ended = heapscope(directory, "tree", "work.hscope", environment={"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.one_version
def test_the_first_reader_seals_what_was_left_live(tmp_path: Path) -> None:
    code = (
        "import heapscope, os\n"
        "with heapscope.track('stopped.hscope'):\n    kept = bytearray(1000)\n"
        "heapscope.start('killed.hscope')\n"
        "kept = bytearray(1000)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path)
    for name in ("stopped", "killed"):
        path = tmp_path / f"{name}.hscope"
        live, before = path.stat().st_size, _analysis.Capture(path)
        assert before.form == "live"
        assert heapscope(tmp_path, "summary", path.name).returncode == 0
        after = _analysis.Capture(path)
        assert (after.form, after.complete) == ("sealed", name == "stopped")
        assert path.stat().st_size < live
        assert after.table("site") == before.table("site")


def test_a_capture_that_is_being_written_is_read_but_not_sealed(tmp_path: Path) -> None:
    code = (
        "import heapscope, subprocess, sys\n"
        "with heapscope.track('out.hscope'):\n"
        "    kept = bytearray(1000)\n"
        "    subprocess.run([sys.executable, '-m', 'heapscope', 'table', 'out.hscope'])\n"
        "    more = [bytearray(100) for _ in range(100_000)]\n"
        "print(heapscope.Capture('out.hscope').peak_bytes)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "still runs" in ended.stderr
    assert int(ended.stdout.splitlines()[-1]) > 10_000_000

"""`heapscope lines CAPTURE` of a run whose lines were not counted: what each line allocated."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.one_version

MIB = 1 << 20
PROGRAM = """\
kept = []

def load(size):
    block = bytes(size)
    return block

def recurse(depth):
    own = bytes(1 << 20)
    if depth:
        kept.append(recurse(depth - 1))
    return own

class Table:
    def fill(self):
        self.rows = load(8 << 20)
        load(3 << 20)

def main():
    kept.append(Table())
    kept[0].fill()
    kept.append(recurse(4))

main()
"""


def lines(*arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heapscope", "lines", *arguments]
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert ended.returncode == code, ended.stderr
    return ended


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("captured")
    (directory / "work.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", "work.hscope", "work.py"]
    subprocess.run(command, cwd=directory, check=True, timeout=60)
    return directory


def document(directory: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    told = json.loads(lines("work.hscope", "--json", *arguments, cwd=directory).stdout)
    assert told["schema"] == "heapscope/lines/1"
    assert told["mode"] == "allocations"
    return {function["function"].rpartition(".")[2]: function for function in told["functions"]}


def test_the_user_s_functions_with_the_most_come_first(recorded: Path) -> None:
    functions = document(recorded)
    assert list(functions)[:2] == ["<module>", "main"]
    assert set(functions) == {"<module>", "main", "fill", "load", "recurse"}


def test_lines_sum_to_their_function_in_recursion_too(recorded: Path) -> None:
    for name, function in document(recorded).items():
        net = sum(row["increment_bytes"] for row in function["lines"])
        assert net == function["net_bytes"], name
        for row in function["lines"]:
            assert row["increment_bytes"] == row["allocated_bytes"] - row["freed_bytes"]
    own = {row["source"]: row for row in document(recorded)["recurse"]["lines"]}
    row = own["    own = bytes(1 << 20)"]
    assert 5 * MIB <= row["increment_bytes"] < 5 * MIB + 4096
    assert row["allocations"] == 5


def test_a_line_has_what_it_called_live_and_freed(recorded: Path) -> None:
    rows = {row["source"].strip(): row for row in document(recorded, "-f", "fill")["fill"]["lines"]}
    kept, freed = rows["self.rows = load(8 << 20)"], rows["load(3 << 20)"]
    assert 8 * MIB <= kept["increment_bytes"] < 8 * MIB + 4096
    assert freed["increment_bytes"] == 0
    assert 3 * MIB <= freed["freed_bytes"] < 3 * MIB + 4096
    assert kept["occurrences"] is None
    assert kept["mem_usage_bytes"] is None


def test_functions_are_chosen_by_name_and_by_module(recorded: Path) -> None:
    assert list(document(recorded, "-f", "Table.fill")) == ["fill"]
    assert list(document(recorded, "-f", "work:load", "-f", "main")) == ["main", "load"]
    assert set(document(recorded, "-p", "work")) >= {"<module>", "main", "fill"}
    assert len(document(recorded, "--limit", "2")) == 2


def test_the_header_says_what_the_figures_are(recorded: Path) -> None:
    shown = lines("work.hscope", "-f", "load", cwd=recorded).stdout
    assert shown.startswith("By allocation: ")
    assert "Filename: work.py\n" in shown
    assert "     4                   8.0 MiB                   block = bytes(size)" in shown


def test_a_function_that_is_not_there_is_one_line_and_exit_code_2(recorded: Path) -> None:
    ended = lines("work.hscope", "-f", "absent", cwd=recorded, code=2)
    assert ended.stdout == ""
    assert ended.stderr == (
        "heapscope: no function 'absent' is in 'work.hscope': nothing to show\n"
    )


def test_options_of_programs_are_refused_for_captures(recorded: Path) -> None:
    for option in (["--all"], ["--keep", "x.hscope"]):
        ended = lines("work.hscope", *option, cwd=recorded, code=2)
        assert ended.stderr.count("\n") == 1
    assert lines("work.hscope", "other", cwd=recorded, code=2).stderr.count("\n") == 1


def test_a_damaged_capture_is_told_with_exit_code_3(recorded: Path, tmp_path: Path) -> None:
    shutil.copy(recorded / "work.hscope", tmp_path / "cut.hscope")
    data = bytearray((tmp_path / "cut.hscope").read_bytes())
    data[-200:] = bytes(200)
    (tmp_path / "cut.hscope").write_bytes(data)
    ended = lines("cut.hscope", cwd=tmp_path, code=3)
    assert "damaged" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_name_of_a_strangers_capture_reads_no_other_file(recorded: Path, tmp_path: Path) -> None:
    """The file's name is the code's: what is no Python source is not shown."""
    secret = tmp_path / "secret.txt"
    secret.write_text("\n\n\n    hidden = bytes(size)\n")
    program = f"exec(compile({PROGRAM!r}, {str(secret)!r}, 'exec'))"
    (tmp_path / "work.py").write_text(program)
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", "s.hscope", "work.py"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    shown = lines("s.hscope", "-f", "load", cwd=tmp_path).stdout
    assert "Filename: secret.txt\n" in shown
    assert "hidden" not in shown

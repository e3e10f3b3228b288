"""`heapscope lines PROGRAM`: which functions are counted, where results go, what is refused."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MIB = 1 << 20
HEADER = "Line #    Mem usage    Increment  Occurrences   Line Contents"
PROGRAM = """\
import sys
import helper

kept = []

@profile
def marked():
    block = bytes(2 << 20)
    return block

class Table:
    def fill(self):
        self.rows = [bytes(1 << 10) for _ in range(1024)]

def main():
    kept.append(marked())
    kept.append(Table())
    kept[-1].fill()
    kept.append(helper.make(3 << 20))
    print("the program's own")

main()
sys.exit(7)
"""
HELPER = """\
def make(size):
    return other(size)

def other(size):
    return bytes(size)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "work.py").write_text(PROGRAM)
    (tmp_path / "helper.py").write_text(HELPER)
    return tmp_path


def lines(
    directory: Path, *arguments: str, code: int = 7, **environment: str
) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "lines", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert ended.returncode == code, ended.stderr
    return ended


def functions(directory: Path, *arguments: str, code: int = 7) -> dict[str, dict[str, Any]]:
    """Counted functions by their plain name."""
    lines(directory, "--json", "-o", "lines.json", "--force", *arguments, code=code)
    document = json.loads((directory / "lines.json").read_text())
    assert document["schema"] == "heapscope/lines/1"
    assert document["mode"] == "lines"
    for function in document["functions"]:
        rows = function["lines"]
        assert sum(row["increment_bytes"] for row in rows) == function["net_bytes"]
    return {each["function"].rpartition(".")[2]: each for each in document["functions"]}


def test_marked_functions_are_told_after_the_program(directory: Path) -> None:
    ended = lines(directory, "work.py")
    assert ended.stderr == ""
    own, _, table = ended.stdout.partition("\n")
    assert own == "the program's own"
    assert table.startswith(f"Filename: work.py\n\n{HEADER}\n")
    assert table.count(HEADER) == 1
    assert re.search(r"^     8 +[\d.]+ MiB      2.0 MiB           1       block = ", table, re.M)
    assert "marked: 1 call, net 2.00 MiB, peak 2.00 MiB" in table
    assert {*os.listdir(directory)} - {"__pycache__"} == {"helper.py", "work.py"}


def test_all_is_the_script_s_own_functions_and_its_body(directory: Path) -> None:
    found = functions(directory, "--all", "work.py")
    assert set(found) >= {"<module>", "marked", "fill", "main"}
    assert not {"make", "other"} & set(found)
    body = {row["source"]: row for row in found["<module>"]["lines"]}
    assert body["main()"]["allocated_bytes"] >= 6 * MIB


def test_a_module_s_functions_are_asked_for_by_its_name(directory: Path) -> None:
    found = functions(directory, "-p", "helper", "work.py")
    assert set(found) - {"<module>"} == {"make", "other", "marked"}
    (row,) = found["other"]["lines"]
    assert 3 * MIB <= row["increment_bytes"] < 3 * MIB + 4096


def test_functions_are_asked_for_by_name(directory: Path) -> None:
    assert set(functions(directory, "-f", "other", "work.py")) == {"other", "marked"}
    assert set(functions(directory, "-f", "helper:make", "-f", "Table.fill", "work.py")) == {
        "make",
        "fill",
        "marked",
    }


def test_modules_and_code_are_programs_too(directory: Path) -> None:
    assert set(functions(directory, "--all", "-m", "work")) >= {"<module>", "main", "fill"}
    code = "def work():\n    return bytes(1 << 20)\nkept = work()"
    found = functions(directory, "--all", "-c", code, code=0)
    assert found["work"]["lines"][0]["source"] == "    return bytes(1 << 20)"


def test_the_import_counts_as_the_builtin_does(directory: Path) -> None:
    text = PROGRAM.replace("import sys\n", "import sys; from heapscope import profile\n")
    (directory / "work.py").write_text(text)
    printed = lines(directory, "work.py").stdout
    assert printed.count(HEADER) == 1
    assert printed.startswith("the program's own\n")


def test_a_program_finds_only_the_builtin_of_it(directory: Path) -> None:
    (directory / "work.py").write_text(
        "import builtins, os, sys\n"
        "print(sorted(key for key in os.environ if key.startswith('HEAPSCOPE')))\n"
        "print(sys.argv, __name__, __file__)\n"
        "print(builtins.profile.__module__)\n"
    )
    printed = lines(directory, "--all", "-q", "work.py", "-f", "x", code=0).stdout.splitlines()
    assert printed[0] == "[]"
    assert printed[1] == f"['work.py', '-f', 'x'] __main__ {directory / 'work.py'}"
    assert printed[2] == "heapscope.profiling"


def test_what_is_not_marked_is_told_by_allocation(directory: Path) -> None:
    (directory / "work.py").write_text(PROGRAM.replace("@profile\n", ""))
    ended = lines(directory, "work.py")
    assert ended.stderr.count("\n") == 1
    assert "no function marked @profile ran" in ended.stderr
    assert "By allocation: " in ended.stdout
    assert "main: net " in ended.stdout


def test_a_killed_program_s_lines_are_told(directory: Path) -> None:
    (directory / "work.py").write_text(
        "import os, signal\n"
        "@profile\n"
        "def work():\n"
        "    block = bytes(5 << 20)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "work()\n"
    )
    printed = lines(directory, "work.py", code=128 + signal.SIGKILL).stdout
    assert re.search(r"^     4 +[\d.]+ MiB      5.0 MiB           1       block = ", printed, re.M)


def test_a_program_that_raises_shows_its_traceback_and_its_lines(directory: Path) -> None:
    (directory / "work.py").write_text("@profile\ndef work():\n    return 1 / 0\nwork()\n")
    ended = lines(directory, "work.py", code=1)
    assert ended.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "return 1 / 0" in ended.stdout


def test_a_result_goes_where_it_is_asked_to(directory: Path) -> None:
    assert lines(directory, "-o", "out.txt", "work.py").stdout == "the program's own\n"
    assert HEADER in (directory / "out.txt").read_text()
    ended = lines(directory, "-o", "out.txt", "work.py", code=2)
    assert ended.stdout == ""
    assert ended.stderr == "heapscope: 'out.txt' exists; --force replaces it\n"
    ended = lines(directory, "--html", "out.html", "work.py")
    assert ended.stdout == "the program's own\n"
    assert ended.stderr.startswith("heapscope: out.html  ")
    assert (directory / "out.html").read_text().startswith("<!doctype html>")


def test_a_kept_capture_has_the_lines(directory: Path) -> None:
    first = lines(directory, "--keep", "work.hscope", "work.py").stdout
    again = lines(directory, "work.hscope", code=0).stdout
    assert first == "the program's own\n" + again
    assert json.loads(lines(directory, "work.hscope", "--json", code=0).stdout)["mode"] == "lines"


@pytest.mark.one_version
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to run"),
        (["--"], "nothing to run"),
        (["-m"], "-m needs a module"),
        (["--nonsense", "work.py"], "lines has no option --nonsense"),
        (["--precision", "x", "work.py"], "--precision needs a number"),
        (["--limit=0", "work.py"], "--limit needs a number"),
        (["-o"], "-o needs a value"),
        (["missing.py"], "cannot run 'missing.py': No such file or directory"),
        (["notes.txt"], "'notes.txt' is no Python program"),
        (["program"], "'program' is no Python program"),
        (["-o", "no/where.txt", "work.py"], "cannot write 'no/where.txt': no such directory"),
    ],
    ids=str,
)
def test_bad_input_is_one_line_and_exit_code_2(
    directory: Path, arguments: list[str], says: str
) -> None:
    (directory / "notes.txt").write_text("Shopping: milk, 2 eggs\n")
    (directory / "program").write_bytes(b"\x7fELF\2\1\1\0" + bytes(200))
    ended = lines(directory, *arguments, code=2)
    assert ended.stdout == ""
    assert re.fullmatch(r"heapscope: [^\n]+\n", ended.stderr)
    assert says in ended.stderr


@pytest.mark.one_version
def test_a_function_that_did_not_run_is_said(directory: Path) -> None:
    (directory / "work.py").write_text(PROGRAM.replace("sys.exit(7)", ""))
    ended = lines(directory, "-f", "absent", "work.py", code=2)
    assert ended.stderr == "heapscope: no function 'absent' ran: nothing to show of it\n"
    ended = lines(directory, "-p", "absent", "work.py", code=0)
    assert HEADER in ended.stdout, "marked functions are there in any case"


@pytest.mark.one_version
def test_the_program_s_signals_reach_it(directory: Path) -> None:
    (directory / "work.py").write_text(
        "import signal, sys\n"
        "@profile\n"
        "def wait():\n"
        "    print('waiting', flush=True)\n"
        "    signal.pause()\n"
        "try:\n"
        "    wait()\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(3)\n"
    )
    command = [sys.executable, "-m", "heapscope", "lines", "work.py"]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "waiting\n"
        started.send_signal(signal.SIGINT)
        printed = started.stdout.read()
        assert started.wait(60) == 3
    assert "signal.pause()" in printed


@pytest.mark.one_version
def test_help_has_an_example(directory: Path) -> None:
    printed = lines(directory, "--help", code=0).stdout
    assert "example:\n  heapscope lines work.py" in printed
    assert max(map(len, printed.splitlines())) <= 100

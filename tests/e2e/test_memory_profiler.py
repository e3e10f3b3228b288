"""Programs as memory_profiler's documentation has them, run with `heapscope.memory_profiler`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEADER = "Line #    Mem usage    Increment  Occurrences   Line Contents"
SIZE = 10**6 * 8 / (1 << 20)  # of `a`, in MiB
EXAMPLE = """\
@profile
def my_func():
    a = [1] * (10 ** 6)
    b = [2] * (2 * 10 ** 6)
    del b
    return a

if __name__ == '__main__':
    my_func()
"""
IMPORTED = "from heapscope.memory_profiler import profile\n"


def python(
    directory: Path, *arguments: str, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert ended.returncode == code, ended.stderr
    return ended


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "example.py").write_text(EXAMPLE)
    return tmp_path


def increments(table: str) -> dict[int, float]:
    """What a script that reads memory_profiler's tables finds, by line."""
    rows = re.findall(r"^ +(\d+) +[\d.]+ MiB +(-?[\d.]+) MiB +\d+   ", table, re.MULTILINE)
    return {int(line): float(increment) for line, increment in rows}


def test_running_the_example_prints_the_table_with_three_digits(directory: Path) -> None:
    ended = python(directory, "-m", "heapscope.memory_profiler", "example.py")
    assert ended.stderr == ""
    assert HEADER in ended.stdout
    found = increments(ended.stdout)
    assert found[3] == pytest.approx(SIZE, abs=0.001)
    assert found[4] == pytest.approx(2 * SIZE, abs=0.001)
    assert found[5] == pytest.approx(-2 * SIZE, abs=0.001)
    assert found[6] == 0
    assert "     2                                         def my_func():\n" in ended.stdout


def test_the_decorator_prints_in_a_plain_run(directory: Path) -> None:
    (directory / "example.py").write_text(IMPORTED + EXAMPLE)
    found = increments(python(directory, "example.py").stdout)
    assert found[4] == pytest.approx(SIZE, abs=0.05)


def test_precision_is_an_argument_of_the_decorator(directory: Path) -> None:
    text = IMPORTED + EXAMPLE.replace("@profile", "@profile(precision=4)")
    (directory / "example.py").write_text(text)
    printed = python(directory, "example.py").stdout
    assert increments(printed)[4] == pytest.approx(SIZE, abs=0.0001)
    assert re.search(r"^     4 +\d+\.\d{4} MiB +7\.6294 MiB ", printed, re.MULTILINE)


def test_reports_go_to_a_file_that_is_a_stream(directory: Path) -> None:
    text = IMPORTED + EXAMPLE.replace("@profile", "fp = open('m.log', 'w+')\n@profile(stream=fp)")
    (directory / "example.py").write_text(text)
    assert python(directory, "example.py").stdout == ""
    assert increments((directory / "m.log").read_text())[5] == pytest.approx(SIZE, abs=0.05)


@pytest.mark.parametrize("growing_only", [False, True])
def test_reports_go_to_the_logging_module(directory: Path, growing_only: bool) -> None:
    text = (
        "import logging, sys\n"
        "from heapscope.memory_profiler import LogFile, profile\n"
        "logging.basicConfig(filename='m.log', level=logging.INFO, format='%(name)s|%(message)s')\n"
        f"sys.stdout = LogFile('memory_profile_log', reportIncrementFlag={growing_only})\n"
    )
    (directory / "example.py").write_text(text + EXAMPLE)
    python(directory, "example.py")
    log = (directory / "m.log").read_text()
    assert "memory_profile_log|Filename: " in log
    assert "b = [2] * (2 * 10 ** 6)" in log
    assert ("del b" in log) is not growing_only


def test_results_are_added_to_a_file(directory: Path) -> None:
    for _ in range(2):
        command = ("-m", "heapscope.memory_profiler", "-o", "m.log", "--precision", "2")
        assert python(directory, *command, "example.py").stdout == ""
    text = (directory / "m.log").read_text()
    assert text.count(HEADER) == 2
    assert "7.63 MiB" in text


def test_a_module_is_run_by_its_name_with_its_arguments(directory: Path) -> None:
    (directory / "example.py").write_text(EXAMPLE + "    import sys; print(sys.argv[1:])\n")
    printed = python(directory, "-m", "heapscope.memory_profiler", "example", "-o", "x").stdout
    assert printed.startswith("['-o', 'x']\n")
    assert HEADER in printed


def test_every_profiled_function_has_its_table_and_exit_codes_pass(directory: Path) -> None:
    text = EXAMPLE + "    @profile\n    def other(): pass\n    other()\n    raise SystemExit(5)\n"
    (directory / "example.py").write_text(text)
    printed = python(directory, "-m", "heapscope.memory_profiler", "example.py", code=5).stdout
    assert printed.count(HEADER) == 2
    assert printed.index("my_func:") < printed.index("other:")


def test_time_stamps_are_written_as_mprof_reads_them(directory: Path) -> None:
    command = ("-m", "heapscope.memory_profiler", "--timestamp", "-o", "m.log", "example.py")
    assert python(directory, *command).stdout == ""
    line = (directory / "m.log").read_text()
    words = line.split()
    assert words[:2] == ["FUNC", "__main__.my_func"]
    before, began, after, ended = map(float, words[2:6])
    assert after - before == pytest.approx(SIZE, abs=2)
    assert 0 < ended - began < 60
    assert words[6] == "0"


def test_a_profiler_counts_until_its_results_are_shown(directory: Path) -> None:
    (directory / "work.py").write_text(
        "import io\n"
        "from heapscope.memory_profiler import LineProfiler, show_results\n"
        "class Window:\n"
        "    def window(self, size):\n"
        "        block = bytes(size << 20)\n"
        "        return block\n"
        "prof = LineProfiler(backend='psutil')\n"
        "kept = [prof(Window().window)(2), prof(Window().window)(3)]\n"
        "stream = io.StringIO()\n"
        "show_results(prof, stream=stream, precision=1)\n"
        "print(stream.getvalue())\n"
        "def added():\n"
        "    return bytes(4 << 20)\n"
        "other = LineProfiler()\n"
        "other.add_function(added)\n"
        "kept.append(added())\n"
        "other.runctx('kept.append(added())', globals(), {})\n"
        "with other:\n"
        "    kept.append(added())\n"
        "kept.append(added())\n"
        "((name, lines),) = other.code_map.items()\n"
        "print(name.endswith('work.py'), {line: value and (round(value[0]), value[2])\n"
        "                                 for line, value in lines})\n"
    )
    printed = python(directory, "work.py").stdout
    assert increments(printed)[5] == pytest.approx(5.0)
    assert "True {12: None, 13: (8, 2)}" in printed


def test_nothing_is_printed_where_nothing_is_marked(directory: Path) -> None:
    (directory / "work.py").write_text("print('ran')\n")
    ended = python(directory, "-m", "heapscope.memory_profiler", "work.py")
    assert ended.stdout == "ran\n"
    assert ended.stderr.count("\n") == 1


@pytest.mark.one_version
def test_the_debugger_stops_the_program_at_a_size(directory: Path) -> None:
    text = EXAMPLE.replace("b = [2] * (2 * 10 ** 6)", "b = bytes(200 << 20)")
    (directory / "example.py").write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope.memory_profiler", "--pdb-mmem=150", "example.py"],
        cwd=directory,
        input="p len(a)\nc\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert "(Pdb) 1000000\n" in ended.stdout
    assert HEADER in ended.stdout


@pytest.mark.one_version
def test_wrong_usage_is_one_line(directory: Path) -> None:
    for arguments in ([], ["absent.py"], ["--nonsense"], ["--precision", "x", "example.py"]):
        ended = python(directory, "-m", "heapscope.memory_profiler", *arguments, code=2)
        assert ended.stdout == ""
        assert re.fullmatch(r"heapscope: [^\n]+\n", ended.stderr)


@pytest.mark.one_version
def test_a_script_is_found_in_path_as_by_memory_profiler(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    printed = python(
        tmp_path / "elsewhere",
        *("-m", "heapscope.memory_profiler", "example.py"),
        PATH=f"{directory}:{os.environ['PATH']}",
    ).stdout
    assert HEADER in printed

"""`heapscope memit` and `heapscope.memit`: bytes of statements, the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import heapscope
from heapscope.cli.main import main
from heapscope.statements import Statement, StatementError

HEADER = sys.getsizeof(b"")


@pytest.fixture(autouse=True)
def _nothing_is_left_on() -> Iterator[None]:
    yield
    assert not heapscope.is_tracing()


def memit(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heapscope", "memit", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def told(*arguments: str) -> list[dict[str, Any]]:
    ended = memit("--json", *arguments)
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document["schema"] == "heapscope/memit/1"
    statements: list[dict[str, Any]] = document["statements"]
    return statements


BLOCKS = (
    "kept = b'x' * 1_000_000",
    "b'x' * 1_000_000",
    "a = b'x' * 500_000; del a; b = b'x' * 9_000",
)
ONE = 1_000_000 + HEADER


def test_peak_net_and_allocated_are_exact() -> None:
    named, dropped, both = told(*BLOCKS)
    for each, net in ((named, ONE), (dropped, 0)):
        assert each["peak_bytes"] == each["allocated_bytes"] == ONE
        assert each["net_bytes"] == net
        assert each["allocations"] == 1
        assert each["freed_bytes"] == ONE - net
    assert both["peak_bytes"] == 500_000 + HEADER
    assert both["net_bytes"] == 9_000 + HEADER
    assert both["allocations"] == 2
    for each, statement in zip((named, dropped, both), BLOCKS, strict=True):
        assert each["statement"] == statement
        assert each["runs"] == 3
        assert each["seconds"] > 0
        assert each["ranges"] == {}


def test_two_invocations_agree_to_the_byte() -> None:
    arguments = (
        "-s",
        "import json, random; text = json.dumps([{'key': [n, str(n)]} for n in range(500)])",
        "json.loads(text)",
        "words = {str(n) for n in range(2_000)}; {word: len(word) for word in words}",
        "sorted(random.Random(7).sample(range(10**6), 1_000))",
        "class A:\n    def f(self): return [self]\n[A().f() for _ in range(100)]",
    )
    times = {"seconds", "timings", "loops", "first_seconds"}

    def figures(statements: list[dict[str, Any]]) -> list[Any]:
        for each in statements:
            del each["first"]["seconds"]
            del each["setup"]["peak_bytes"]  # an import's depends on addresses in CPython's caches
        return [{key: each[key] for key in each.keys() - times} for each in statements]

    once, again = figures(told(*arguments)), figures(told(*arguments))
    assert once == again
    assert [each["ranges"] for each in once] == [{}] * 4


@pytest.mark.one_version
def test_a_first_run_that_fills_a_cache_is_told_apart() -> None:
    (each,) = told(
        "-s",
        "import functools\n@functools.lru_cache\ndef table(n): return b'x' * n",
        "table(1_000_000)",
    )
    assert each["first"]["net_bytes"] >= ONE
    assert each["net_bytes"] == 0
    assert each["peak_bytes"] < 500, "the call's own arguments"
    assert each["first"]["seconds"] > 0


@pytest.mark.one_version
def test_the_setup_is_not_counted_but_known() -> None:
    (each,) = told("-s", "table = b'x' * 1_000_000", "-s", "other = table[:5]", "table[500]")
    assert each["peak_bytes"] == each["net_bytes"] == 0
    assert ONE <= each["setup"]["net_bytes"] < ONE + 20_000


@pytest.mark.one_version
def test_candidates_do_not_see_each_other() -> None:
    first, second = told("import colorsys, sys; sys.kept = bytes(50_000)", "import colorsys, sys")
    assert first["first"]["net_bytes"] > 50_000
    assert abs(first["first"]["allocated_bytes"] - 50_000 - second["first"]["allocated_bytes"]) < (
        5_000
    )


@pytest.mark.one_version
def test_names_of_the_setup_can_be_rebound_and_its_star_imports_work() -> None:
    (each,) = told("-s", "from math import *; total = 0", "total += 1; floor(total + sqrt(2))")
    assert each["net_bytes"] == 0


@pytest.mark.one_version
def test_a_run_does_not_find_what_the_one_before_has_bound() -> None:
    (each,) = told("kept = b'x' * 1_000_000")
    assert each["peak_bytes"] == ONE, "the run before has kept its block"


@pytest.mark.one_version
def test_text_over_several_lines_stays_what_it_is() -> None:
    (each,) = told("text = '''a\n    b\n'''\nassert text == 'a\\n    b\\n', text")
    assert each["net_bytes"] >= 0


@pytest.mark.one_version
def test_the_table_fits_and_tells_what_time_is() -> None:
    ended = memit("-s", "table = bytes(70_000)", *BLOCKS, env={"COLUMNS": "80", "PATH": ""})
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert all(len(text) <= 80 for text in lines)
    assert lines[1].startswith("the setup holds 6")
    assert lines[3].split() == ["peak", "net", "allocated", "blocks", "time", "statement"]
    assert lines[4].split()[:7] == ["977", "KiB", "977", "KiB", "977", "KiB", "1"], lines[4]
    assert "without tracking" in ended.stderr
    assert memit("-q", "pass").stderr == ""


@pytest.mark.one_version
def test_what_a_statement_prints_is_not_a_result() -> None:
    ended = memit("--json", "print('hello')")
    assert json.loads(ended.stdout)
    assert "hello" in ended.stderr


@pytest.mark.one_version
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("1 / 0",), "the statement: ZeroDivisionError: division by zero"),
        (("pass", "undefined"), "statement 2: NameError: name 'undefined' is not defined"),
        (("-s", "import nothing_of_the_kind", "pass"), "the setup: ModuleNotFoundError: "),
        (("x =",), "the statement: SyntaxError: "),
        (("return 1",), "the statement: SyntaxError: 'return' outside function"),
        (("raise SystemExit(4)",), "the statement: SystemExit: 4"),
        (("import os; os._exit(3)",), "the statement ended its process with exit code 3"),
        (("import os; os.kill(os.getpid(), 9)",), "the statement was killed by SIGKILL"),
        (("-r", "0", "pass"), "not a number of runs: '0'"),
        ((), "the following arguments are required: STMT"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    ended = memit(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    (told_line,) = ended.stderr.splitlines()
    assert said in told_line


@pytest.mark.one_version
def test_what_the_threads_of_a_statement_allocate_is_its_own() -> None:
    (each,) = told(
        "-s",
        "import threading\ndef work(): b'x' * 1_000_000",
        "t = threading.Thread(target=work); t.start(); t.join()",
    )
    assert ONE < each["peak_bytes"] < ONE + 20_000


@pytest.mark.one_version
def test_a_statement_that_kills_its_process_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    ended = memit("import os; os.kill(os.getpid(), 9)", env=environment)
    assert ended.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.one_version
def test_modules_beside_the_caller_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def make(): return b'x' * 1_000_000\n")
    ended = memit("--json", "-s", "import beside", "beside.make()", cwd=tmp_path)
    assert json.loads(ended.stdout)["statements"][0]["peak_bytes"] == ONE


@pytest.mark.one_version
def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["memit", "--help"])
    assert "example:\n  heapscope memit" in capsys.readouterr().out


def test_a_program_measures_its_own_statements_and_functions() -> None:
    size = 1_000_000
    figures = heapscope.memit("kept = b'x' * size", globals=locals())
    assert figures.peak_bytes == figures.net_bytes == ONE
    assert not figures.timed_while_tracked
    assert figures.seconds > 0

    def make() -> bytes:
        return b"x" * size

    several = heapscope.memit(make, "x = 1", repeat=2)
    assert [each.peak_bytes for each in several] == [ONE, 0]
    assert several[0].statement == "make"
    assert several[0].runs == 2
    assert str(several[0]).startswith("peak 977 KiB, net 0 B, allocated 977 KiB in 1; ")


def test_where_tracking_was_on_it_stays_on_and_that_is_told() -> None:
    heapscope.start()
    try:
        figures = heapscope.memit("b'x' * 1_000_000")
        assert heapscope.is_tracing()
    finally:
        heapscope.stop()
    assert figures.peak_bytes == ONE
    assert figures.timed_while_tracked
    assert "while tracked" in str(figures)


def test_what_fails_in_a_program_is_an_error_with_its_cause() -> None:
    with pytest.raises(heapscope.HeapscopeError, match="ZeroDivisionError") as caught:
        heapscope.memit("1 / 0")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(ValueError, match="repeat"):
        heapscope.memit("pass", repeat=0)


def test_a_statement_that_binds_a_comprehensions_name_sees_the_setups() -> None:
    statement = Statement("[n for n in range(3)]; seen.append(n)", "n = 5; seen = []", {})
    statement.prepare()
    statement.time(2)
    with pytest.raises(StatementError, match="IndentationError"):
        Statement("  x = 1\n y = 2", "", {})

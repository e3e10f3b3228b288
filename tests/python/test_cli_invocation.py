"""The command line of `run`, and the interpreter options that are passed on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from heapscope.cli.command_error import CommandError
from heapscope.cli.invocation import HELP, interpreter_options, parse


def test_everything_after_the_script_is_the_programs() -> None:
    found = parse(["-q", "work.py", "-o", "x", "--force", "-m", "--", "-c"])
    assert found.program == ["work.py", "-o", "x", "--force", "-m", "--", "-c"]
    assert (found.output, found.force, found.quiet) == (None, False, True)
    assert (found.script, found.name) == ("work.py", "work.py")


@pytest.mark.parametrize("glued", [True, False])
def test_modules_and_code_may_be_glued_to_their_option(glued: bool) -> None:
    for option, value, name in (("-m", "package.part", "package.part"), ("-c", "pass", "command")):
        arguments = [option + value] if glued else [option, value]
        found = parse(["--force", *arguments, "-q"])
        assert found.program == [option, value, "-q"]
        assert (found.script, found.name, found.quiet) == (None, name, False)


def test_a_directory_is_named_after_itself_and_not_after_its_path() -> None:
    assert parse(["some/where/app/"]).name == "app"


def test_a_name_that_begins_with_a_dash_stands_after_two_dashes() -> None:
    assert parse(["--", "-odd.py", "-q"]).program == ["--", "-odd.py", "-q"]


@pytest.mark.parametrize(
    "arguments", [[], ["-o"], ["--output"], ["-m"], ["-c"], ["--"], ["--fast", "x"], ["-x", "y"]]
)
def test_wrong_usage_is_an_error_of_one_line(arguments: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        parse(arguments)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_help_has_an_example() -> None:
    assert parse(["--help"]).help
    assert "example:\n  heapscope run" in HELP


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["-m", "heapscope", "run"], []),
        (["-mheapscope", "run"], []),
        (["/bin/heapscope", "run", "-q"], []),
        (["-X", "dev", "-B", "-m", "heapscope"], ["-X", "dev", "-B"]),
        (["-Xdev", "-m", "heapscope"], ["-X", "dev"]),
        (["-OBIX", "utf8=1", "-mheapscope"], ["-OBIX", "utf8=1"]),
        (["-bbWerror", "-sEm", "heapscope"], ["-bbW", "error", "-sE"]),
        (["-W", "-m", "/bin/heapscope", "-X", "y"], ["-W", "-m"]),
        (
            ["--check-hash-based-pycs", "always", "-um", "heapscope"],
            ["--check-hash-based-pycs", "always", "-u"],
        ),
        (["-c", "main()", "-X", "dev"], []),
    ],
)
def test_the_interpreters_own_options_are_found(
    monkeypatch: pytest.MonkeyPatch, given: list[str], expected: list[str]
) -> None:
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, *given])
    assert interpreter_options() == expected


def test_the_way_to_the_start_of_a_program_imports_nothing_an_interpreter_has_not_loaded() -> None:
    code = (
        "import sys; before = set(sys.modules); "
        "from heapscope.cli import main, run, invocation, supervisor; "
        "print(sorted(name for name in set(sys.modules) - before "
        "if not name.startswith('heapscope')))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "['__future__']\n"

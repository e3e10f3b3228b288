"""The verbs of the Makefile, each a function that returns an exit code."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from tools.house import checks, native, release, system, web, wheel
from tools.house.environments import RUN_TIME, Environment, native_tools
from tools.house.interpreters import Interpreter, find
from tools.house.layout import BUILD, REPORTS, ROOT, WHEELS
from tools.house.process import Problem, run, say, step
from tools.house.results import Result, from_junit, summarise

_PYTHON_TESTS = ("tests/python", "tests/e2e")
# What records no stacks: nothing to check where every walk of the stack is checked.
_WITHOUT_STACKS = ("test_heap_*", "test_django_*", "test_object_sizes.py", "test_wrong_answers.py")
_WORKERS = str((os.cpu_count() or 1) + 1)  # tests that start programs wait for them


def _pytest(
    environment: Environment, tools: Mapping[str, str], name: str, *, every: bool, checked: bool
) -> Result:
    """Runs the Python tests; without `every` those that depend on the version.

    On busy cores a test of signals or of the terminal may lose a race that is not the
    program's: what failed is run once more, alone, and what passes then is counted and said.
    """
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"pytest-{environment.directory.name}.xml"
    folders = [folder for folder in _PYTHON_TESTS if any((ROOT / folder).rglob("test_*.py"))]
    pytest: list[str | pathlib.Path] = [environment.python, "-m", "pytest", "-q"]
    if not every:
        pytest += ["-m", "not one_version"]
    if checked:
        pytest += [f"--ignore-glob=*/{files}" for files in _WITHOUT_STACKS]
    extra = {"PATH": f"{environment.directory / 'bin'}:{tools['PATH']}"}
    first = from_junit(
        name,
        [*pytest, "-n", _WORKERS, "--dist", "worksteal", *folders],
        report,
        [f"--junitxml={report}"],
        extra,
    )
    if first.failed == 0 or first.note:
        return first
    report = report.with_name(f"{report.stem}-again.xml")
    again = from_junit(
        f"{name}, what failed once more",
        [*pytest, "--last-failed", "--last-failed-no-failures=none", *folders],
        report,
        [f"--junitxml={report}"],
        extra,
    )
    passed = first.passed + again.passed
    note = f"{again.passed} of them passed only when run alone" if again.passed else again.note
    return Result(name, passed, max(again.failed, first.failed - again.passed), first.skipped, note)


@dataclass(frozen=True)
class _PythonRun:
    """The Python tests under one interpreter.

    Attributes
    ----------
    every
        Those that do not depend on the version too.
    checked
        Every walk of the stack is compared with a full one.
    """

    interpreter: Interpreter
    every: bool = False
    checked: bool = False

    def environment(self) -> Environment:
        """Where they run, with all that they need but the package."""
        suffix = "-checked" if self.checked else ""
        groups = ["build", "test", RUN_TIME] + (["test-extras"] if self.every else [])
        return Environment(self.interpreter.minor + suffix, self.interpreter).install(*groups)

    def definitions(self) -> dict[str, str]:
        """What CMake is told."""
        if not self.checked:
            return {}
        # The nanobind of the plain wheel, so that ccache has everything but the tracker.
        plain = Environment(self.interpreter.minor, self.interpreter).directory
        (nanobind,) = plain.glob("lib/python3.*/site-packages/nanobind/cmake")
        return {"HEAPSCOPE_CHECK_WALKS": "ON", "nanobind_ROOT": str(nanobind)}


def _python_run(
    runs: _PythonRun, installed: Future[Environment], tools: Mapping[str, str]
) -> Result:
    """Builds and installs the package, and tests it."""
    every, checked = runs.every, runs.checked
    name = f"CPython {runs.interpreter.version}" + (", checked walks" if checked else "")
    try:
        environment = installed.result()
        wheel.install(environment, tools, runs.definitions())
    except Problem as problem:
        if problem.code == 2:
            raise
        return Result(name, failed=1, note=str(problem))
    return _pytest(environment, tools, name, every=every, checked=checked)


def _native_run(preset: str, tools: Mapping[str, str], environment: Environment) -> Result:
    try:
        native.build(preset, tools, environment.python)
    except Problem as problem:
        return Result(f"C++ ({preset})", failed=1, note=str(problem))
    return native.test(preset, tools)


def test() -> int:
    """Every test: the C++ ones plain and under the sanitizers, the Python ones on every CPython."""
    system.require([system.COMPILER, system.ZSTD, system.GTEST, system.CLANG])
    system.wish([system.JEMALLOC, system.TCMALLOC])
    interpreters = find()
    default = interpreters[0]
    tools = native_tools(default)
    environment = Environment(default.minor, default).install("build")
    runs = [_PythonRun(interpreter, every=interpreter is default) for interpreter in interpreters]
    checked = _PythonRun(default, checked=True)
    # pip waits for the network and has one core: it works beside the compiler and its tests.
    with ThreadPoolExecutor(1) as beside:
        installed = {each: beside.submit(each.environment) for each in (*runs, checked)}
        results = [_native_run("dev", tools, environment)]
        results += [_python_run(each, installed[each], tools) for each in runs]
        results += web.test(default)
        results.append(_python_run(checked, installed[checked], tools))
        results += [_native_run(preset, tools, environment) for preset in ("asan", "tsan")]
    return summarise(results)


def _lint_programs(interpreter: Interpreter) -> pathlib.Path:
    return Environment("lint", interpreter).install("lint", RUN_TIME).directory / "bin"


def lint() -> int:
    """Format, static checks, types."""
    system.require([system.COMPILER, system.ZSTD, system.GTEST])
    default = find()[0]
    # The same interpreter and nanobind as `test` configures with, so that neither undoes the other.
    builder = Environment(default.minor, default).install("build")
    pages = {"biome and tsc": web.lint_command(default)}
    return checks.lint(_lint_programs(default), native_tools(default), builder.python, pages)


def format_() -> int:
    """Writes the format that lint asks for."""
    default = find()[0]
    code = checks.write_format(_lint_programs(default))
    command, extra = web.format_command(default)
    return run(command, extra=extra) or code


def wheels() -> int:
    """A self-contained wheel for every CPython, in dist/."""
    system.require([system.COMPILER, system.ZSTD])
    interpreters = find()
    return release.wheels(interpreters, native_tools(interpreters[0]))


def demo() -> int:
    """Records a real program and prints where its peak went."""
    system.require([system.COMPILER, system.ZSTD])
    default = find()[0]
    environment = Environment("demo", default).install("demo")
    wheel.install(environment, native_tools(default))
    heapscope = environment.directory / "bin" / "heapscope"
    (BUILD / "demo").mkdir(parents=True, exist_ok=True)
    capture = "build/demo/demo.hscope"
    for arguments in (
        ("run", "--force", "-o", capture, "examples/demo.py"),
        ("summary", capture),
        ("tree", capture),
    ):
        say(f"\n$ heapscope {' '.join(arguments)}")
        code = run([heapscope, *arguments])
        if code != 0:
            return code
    return 0


def bench() -> int:
    """The table of costs, ours and the peers'."""
    system.require([system.COMPILER, system.ZSTD])
    default = find()[0]
    arguments = os.environ.get("ARGUMENTS", "").split()
    return run(
        [default.program, ROOT / "benchmarks" / "run.py", *arguments], extra=native_tools(default)
    )


def clean() -> int:
    """Removes everything that was made."""
    with step("removing build/, dist/ and what the page is built with"):
        web.clean()
        shutil.rmtree(BUILD, ignore_errors=True)
        shutil.rmtree(WHEELS, ignore_errors=True)
    return 0


_VERBS: dict[str, Callable[[], int]] = {
    "demo": demo,
    "test": test,
    "lint": lint,
    "format": format_,
    "wheels": wheels,
    "bench": bench,
    "clean": clean,
}


def help_() -> int:
    """This list."""
    for name, verb in _VERBS.items():
        say(f"  make {name:<8} {(verb.__doc__ or '').splitlines()[0]}")
    say('\n  PYTHONS="3.11 3.13" chooses among the CPythons that are found.')
    say('  ARGUMENTS="--quick" goes to the benchmarks.')
    return 0


def main(arguments: list[str]) -> int:
    """Runs one verb; problems become one line on stderr."""
    verb = _VERBS.get(arguments[0]) if arguments else help_
    if arguments[:1] == ["help"]:
        verb = help_
    if verb is None:
        print(f"make: no such verb: {arguments[0]}; `make help` lists them.", file=sys.stderr)
        return 2
    try:
        return verb()
    except Problem as problem:
        print(f"make: {problem}", file=sys.stderr)
        return problem.code
    except KeyboardInterrupt:
        return 130

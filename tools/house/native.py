"""The C++ side without a wheel: presets, configured, built and tested."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from tools.house.layout import BUILD, REPORTS, ROOT
from tools.house.process import run_captured, run_quietly, say, step
from tools.house.results import Result, counted, together

_SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
_SHARDS = 4  # of each program
_MOST_SECONDS = 600  # for a shard; more is a hang


def configure(preset: str, tools: Mapping[str, str], python: pathlib.Path) -> None:
    """Configures a preset: enough for its compile_commands.json."""
    run_quietly(["cmake", "--preset", preset, f"-DPython_EXECUTABLE={python}"], extra=tools)


def build(preset: str, tools: Mapping[str, str], python: pathlib.Path) -> None:
    """Configures (each time: it is quick and sees changed options) and builds a preset."""
    with step(f"{preset}: building"):
        configure(preset, tools, python)
        run_quietly(["cmake", "--build", "--preset", preset], extra=tools)


def test(preset: str, tools: Mapping[str, str]) -> Result:
    """Runs the C++ unit tests of a preset that is built, as many programs at a time as cores.

    Each program is run in shards, not once a test as ctest does: to start a process under a
    sanitizer takes longer than most tests.
    """
    REPORTS.mkdir(parents=True, exist_ok=True)
    name = f"C++ ({preset})"
    rooms = sorted(path.name for path in (ROOT / "tests" / "cpp").iterdir())
    programs = [BUILD / preset / f"{room}_tests" for room in rooms]
    shards = [(program, at) for at in range(_SHARDS) for program in programs if program.exists()]

    def run_shard(shard: tuple[pathlib.Path, int]) -> Result:
        program, at = shard
        report = REPORTS / f"{preset}-{program.name}-{at}.xml"
        report.unlink(missing_ok=True)
        extra = {"GTEST_TOTAL_SHARDS": str(_SHARDS), "GTEST_SHARD_INDEX": str(at)}
        code, output = run_captured(
            [program, f"--gtest_output=xml:{report}"],
            extra={**tools, **_SANITIZERS, **extra},
            directory=BUILD / preset,
            most_seconds=_MOST_SECONDS,
        )
        if code != 0:
            say(output)
        return counted(program.name, report, code)

    with step(f"{name}: testing"), ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(run_shard, shards))
    return together(name, parts) if parts else Result(name, failed=1, note="no tests were found")

"""The C++ side without a wheel: presets, configured, built and tested."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

from tools.house.layout import BUILD, REPORTS
from tools.house.process import run_quietly, step
from tools.house.results import Result, from_junit

_SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def configure(preset: str, tools: Mapping[str, str], python: pathlib.Path) -> None:
    """Configures a preset: enough for its compile_commands.json."""
    run_quietly(["cmake", "--preset", preset, f"-DPython_EXECUTABLE={python}"], extra=tools)


def build(preset: str, tools: Mapping[str, str], python: pathlib.Path) -> None:
    """Configures (each time: it is quick and sees changed options) and builds a preset."""
    with step(f"{preset}: building"):
        configure(preset, tools, python)
        run_quietly(["cmake", "--build", "--preset", preset], extra=tools)


def test(preset: str, tools: Mapping[str, str]) -> Result:
    """Runs the C++ unit tests of a preset that is built."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"ctest-{preset}.xml"
    return from_junit(
        f"C++ ({preset})",
        [
            "ctest",
            "--test-dir",
            BUILD / preset,
            "-j2",
            "--output-on-failure",
            "--no-tests=error",
            "--timeout",
            "120",
        ],
        report,
        ["--output-junit", report],
        {**tools, **_SANITIZERS},
        quiet=True,
    )

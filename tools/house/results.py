"""What test runners found, in one shape, from the JUnit files they write."""

from __future__ import annotations

import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.house.process import run, say, step


@dataclass(frozen=True)
class Result:
    """The count of one runner; `note` says why it counts as failed without a failed test."""

    runner: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    note: str = ""


def from_junit(
    runner: str,
    command: Sequence[str | pathlib.Path],
    report: pathlib.Path,
    report_arguments: Sequence[str | pathlib.Path],
    extra: Mapping[str, str],
) -> Result:
    """Runs a test runner, its output shown, and counts what it reports."""
    report.unlink(missing_ok=True)
    with step(f"{runner}: testing"):
        code = run([*command, *report_arguments], extra=extra)
    return counted(runner, report, code)


def counted(runner: str, report: pathlib.Path, code: int) -> Result:
    """What a runner that ended with `code` wrote into a report.

    A runner that ends badly without naming a failed test counts as one failure.
    """
    try:
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return Result(runner, failed=1, note=f"no report; exit code {code}")
    cases = [case for case in cases if case.get("status") != "notrun"]
    failed = sum(
        case.find("failure") is not None or case.find("error") is not None for case in cases
    )
    skipped = sum(case.find("skipped") is not None for case in cases)
    passed = len(cases) - failed - skipped
    if code != 0 and failed == 0:
        return Result(runner, passed, 1, skipped, note=f"exit code {code}")
    return Result(runner, passed, failed, skipped)


def together(runner: str, parts: Sequence[Result]) -> Result:
    """The sum of what a runner found in several runs."""
    return Result(
        runner,
        sum(part.passed for part in parts),
        sum(part.failed for part in parts),
        sum(part.skipped for part in parts),
        "; ".join(f"{part.runner}: {part.note}" for part in parts if part.note),
    )


def summarise(results: Sequence[Result]) -> int:
    """Prints the closing table; 1 if anything failed. The last line is the sum, alone."""
    width = max(len(result.runner) for result in results)
    say("")
    for result in results:
        count = f"{result.passed} passed, {result.failed} failed"
        skipped = f", {result.skipped} skipped" if result.skipped else ""
        note = f"  ({result.note})" if result.note else ""
        say(f"{result.runner:<{width}}  {count}{skipped}{note}")
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    say("")
    say(f"{passed} passed, {failed} failed")
    return 1 if failed else 0

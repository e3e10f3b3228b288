"""One run of one of CPython's test modules, in one process, and the verdict of each test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import heapscope

# The process's own end is compared like a test: 0, or what went wrong outside of any method.
PROCESS = "(exit code)"
_TIMEOUT = 600  # seconds; the slowest module takes about 90 on an idle machine
_LEAST_ALLOCATIONS = 10_000  # a regrtest that runs nothing makes more


@dataclass(frozen=True)
class Attempt:
    """What came of it.

    Attributes
    ----------
    verdicts : dict of str to str
        ``passed``, ``skipped``, ``failed`` or ``error`` by test id; a method with subtests has the
        worst of theirs. `PROCESS` has the exit code.
    details : dict of str to str
        Text of the failures.
    """

    verdicts: dict[str, str]
    details: dict[str, str]


def run(module: str, directory: Path, *, recorded: bool) -> Attempt:
    """Run a module in a fresh directory of its own.

    ``--dont-add-python-opts`` keeps regrtest from executing itself anew, which would be a program
    that nobody records; no ``-j``, because workers are not recorded either. That the tests did run
    recorded is asserted on the capture.
    """
    directory.mkdir(parents=True)
    results = directory / "results.xml"
    capture = directory / "capture.hscope"
    command = [sys.executable]
    if recorded:
        command += ["-m", "heapscope", "run", "-q", "-o", str(capture)]
    command += ["-m", "test", *_regrtest_options(), "--fail-env-changed"]
    command += ["--tempdir", str(directory), "--junit-xml", str(results), module]
    with (directory / "log.txt").open("wb") as log:
        code = _execute(command, directory, log)
    if recorded:
        _assert_recorded(capture, module)
    verdicts, details = _read(results)
    verdicts[PROCESS] = code
    return Attempt(verdicts, details)


def _execute(command: list[str], directory: Path, log: BinaryIO) -> str:
    """Return the exit code as a shell would tell it, or ``timeout``: a hang is a verdict, too."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        code = process.wait(_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return "timeout"
    return str(code if code >= 0 else 128 - code)


def _regrtest_options() -> list[str]:
    return ["-v", *(["--dont-add-python-opts"] if sys.version_info >= (3, 11) else [])]


def _assert_recorded(path: Path, module: str) -> None:
    capture = heapscope.Capture(path)
    assert capture.damage == []
    assert capture.summary()["allocations"] > _LEAST_ALLOCATIONS
    files = [row["file"] for row in capture.table(group_by="file", metric="allocated")["rows"]]
    assert any(f"/{module}" in file for file in files), f"{path} knows nothing of {module}"


def _read(results: Path) -> tuple[dict[str, str], dict[str, str]]:
    verdicts: dict[str, str] = {}
    details: dict[str, str] = {}
    if not results.exists():  # the process died before its end
        return verdicts, details
    for case in ElementTree.parse(results).iter("testcase"):
        name = _method(case.get("name", ""))
        verdict, text = _verdict(case)
        if _GRAVITY.index(verdict) >= _GRAVITY.index(verdicts.get(name, _GRAVITY[0])):
            verdicts[name] = verdict
            details[name] = text
    return verdicts, details


_GRAVITY = ("passed", "skipped", "failed", "error")


def _verdict(case: ElementTree.Element) -> tuple[str, str]:
    for tag, verdict in (("error", "error"), ("failure", "failed"), ("skipped", "skipped")):
        found = case.find(tag)
        if found is not None:
            return verdict, found.text or ""
    return "passed", ""


def _method(name: str) -> str:
    """Return the id without the parameters of a subtest; ``setUpClass (…)`` is an id as it is."""
    return name if name.startswith(("setUp", "tearDown")) else name.split(" ")[0]

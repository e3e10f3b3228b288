"""The tools that exports are for: found, or fetched once into build/tools; else tests skip."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "tools"
CONSUMERS = Path(__file__).parent / "consumers"
PPROF = "v0.0.0-20260906184651-6331bc6350fe"
PPROF_NEEDS_GO = (1, 25)


def run(command: Sequence[str | Path], **options: Any) -> str:
    """Run a tool; its output, and its complaint where it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=240,
        **options,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Keep two test processes from fetching the same thing."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with open(TOOLS / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@functools.cache
def pprof() -> Path:
    """The pprof of the Go module proxy."""
    tool = TOOLS / f"pprof-{PPROF}" / "pprof"
    with _alone("pprof"):
        if not tool.exists():
            _install_pprof(tool)
    return tool


def _install_pprof(tool: Path) -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("pprof is built with Go, and there is none")
    version = re.search(r"go(\d+)\.(\d+)", run([go, "version"]))
    if version is None or (int(version[1]), int(version[2])) < PPROF_NEEDS_GO:
        pytest.skip("pprof needs Go 1.25 or newer")
    extra = {**os.environ, "GOBIN": str(tool.parent), "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    done = subprocess.run(
        [go, "install", f"github.com/google/pprof@{PPROF}"],
        env=extra,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.skip(f"pprof was not fetched: {done.stderr.strip()[-200:]}")


@functools.cache
def node_packages() -> tuple[Path, Path]:
    """Node, and the directory of the npm packages of consumers/package-lock.json."""
    sys.path.insert(0, str(ROOT))
    try:
        from tools.page import build_page
    finally:
        sys.path.remove(str(ROOT))
    directory = build_page.system_node() or build_page.wheel_node(
        ROOT / "build" / "venv" / "node" / "bin" / "python"
    )
    if directory is None:
        pytest.skip("there is no Node 20.19, 22.12 or newer")
    place = TOOLS / "consumers"
    wanted = (CONSUMERS / "package-lock.json").read_text()
    stamp = place / "installed.json"
    with _alone("consumers"):
        if not stamp.exists() or stamp.read_text() != wanted:
            place.mkdir(exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(CONSUMERS / name, place)
            done = subprocess.run(
                [*build_page.npm_command(directory), "ci", "--no-audit", "--no-fund"],
                cwd=place,
                env=build_page.node_environment(directory),
                capture_output=True,
                text=True,
            )
            if done.returncode != 0:
                pytest.skip(f"npm packages were not fetched: {done.stderr.strip()[-200:]}")
            stamp.write_text(wanted)
    return directory / "node", place / "node_modules"


def speedscope_release() -> Path:
    """The published page of speedscope, with its schema."""
    return node_packages()[1] / "speedscope" / "dist" / "release"


def speedscope_import(*files: Path) -> list[dict[str, Any]]:
    """What speedscope's importer makes of files."""
    node, _ = node_packages()
    script = CONSUMERS / "speedscope_import.mjs"
    imported: list[dict[str, Any]] = json.loads(run([node, script, speedscope_release(), *files]))
    return imported


class FirefoxProfile:
    """A profile opened with the importer of profiler.firefox.com, as its command line asks it."""

    def __init__(self, path: Path, sessions: Path) -> None:
        node, packages = node_packages()
        cli = packages / "@firefox-devtools" / "profiler-cli" / "dist" / "profiler-cli.js"
        self._command: list[str | Path] = [node, cli]
        self._environment = {**os.environ, "PROFILER_CLI_SESSION_DIR": str(sessions)}
        # Its own way of starting gives up after half a second.
        self._server = subprocess.Popen(
            [node, cli, "--daemon", path, "--session", "test"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> FirefoxProfile:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.wait()

    def ask(self, *words: str) -> dict[str, Any]:
        """One question, once the profile is loaded."""
        command = [*map(str, self._command), *words, "--session", "test", "--json"]
        for _ in range(100):
            done = subprocess.run(
                command, env=self._environment, capture_output=True, text=True, timeout=120
            )
            if done.returncode == 0:
                answer: dict[str, Any] = json.loads(done.stdout)
                return answer
            assert self._server.poll() is None, "the profile was refused"
        raise AssertionError(done.stderr)


@functools.cache
def graphviz() -> str:
    """The program dot."""
    dot = shutil.which("dot")
    if dot is None:
        pytest.skip("there is no dot: install graphviz")
    return dot

"""``make lint``: format, static checks and types, every one run even when an earlier one failed."""

from __future__ import annotations

import json
import pathlib
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tools.house import native
from tools.house.environments import Environment
from tools.house.layout import BUILD, ROOT
from tools.house.process import environment, run, say, step

_CPP = ("src", "tests/cpp")
_PYTHON = ("python", "tests", "tools", "benchmarks", "examples")
_TYPED = ("python/heapscope", "tools/house", "tests")


def _existing(folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if any((ROOT / folder).rglob("*.*"))]


def _cpp_files() -> list[pathlib.Path]:
    return sorted(
        path
        for folder in _existing(_CPP)
        for pattern in ("*.cpp", "*.h")
        for path in (ROOT / folder).rglob(pattern)
    )


def _tidy_one(program: pathlib.Path, file: str) -> tuple[str, str]:
    """A file and what clang-tidy has to say of it; nothing when all is well."""
    done = subprocess.run(
        [str(program), "-p", str(BUILD / "dev"), "--quiet", file],
        env=environment(),
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    return file, "" if done.returncode == 0 else done.stdout + done.stderr


def _tidy(program: pathlib.Path) -> bool:
    """clang-tidy over every translation unit of the dev preset, two at a time."""
    database = json.loads((BUILD / "dev" / "compile_commands.json").read_text())
    files = sorted(
        {entry["file"] for entry in database if entry["file"].startswith(str(ROOT / "src"))}
    )
    files += sorted({entry["file"] for entry in database if "/tests/cpp/" in entry["file"]})
    with ThreadPoolExecutor(2) as pool:
        reports = [
            report for _, report in pool.map(lambda file: _tidy_one(program, file), files) if report
        ]
    for report in reports:
        say(report.rstrip())
    return not reports


def lint(python: Environment, tools: Mapping[str, str]) -> int:
    """Runs all checks; 0 if all are clean."""
    programs = python.directory / "bin"
    failed: list[str] = []

    def check(name: str, *command: str | pathlib.Path) -> None:
        with step(name):
            if run(command) != 0:
                failed.append(name)

    check("ruff check", programs / "ruff", "check", *_existing(_PYTHON))
    check("ruff format", programs / "ruff", "format", "--check", *_existing(_PYTHON))
    check("mypy --strict", programs / "mypy", *_existing(_TYPED))
    check("clang-format", programs / "clang-format", "--dry-run", "--Werror", *_cpp_files())
    with step("clang-tidy"):
        native.configure("dev", tools, python.python)
        if not _tidy(programs / "clang-tidy"):
            failed.append("clang-tidy")

    say("")
    say(f"lint: failed: {', '.join(failed)}" if failed else "lint: clean")
    return 1 if failed else 0

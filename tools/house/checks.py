"""``make lint``: format, static checks and types, every one run even when an earlier one failed."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tools.house import native
from tools.house.layout import BUILD, ROOT, cache
from tools.house.process import environment, run, say, step

_CPP = ("src", "tests/cpp", "tests/fuzz")
_PYTHON = ("python", "tests", "tools", "benchmarks", "examples")
_CHECK_LISTS = (ROOT / ".clang-tidy", ROOT / "tests" / "cpp" / ".clang-tidy")
_TIDY = BUILD / "tidy"
_TIDY_REMEMBERS = 4000  # files, of earlier states of the tree
_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
_TYPED = ("python/heapscope", "tools/house")
_TESTS = ("tests/python", "tests/e2e")
# Tests are typed where it helps the reader; what they take apart is often untyped.
_LOOSELY = (
    "--allow-untyped-defs",
    "--allow-incomplete-defs",
    "--allow-untyped-calls",
    "--allow-any-generics",
    "--no-warn-return-any",
    "--no-warn-unused-ignores",
    "--ignore-missing-imports",
    "--disable-error-code=union-attr",
    "--exclude=/programs/",  # what is profiled, not what tests
)


def _existing(folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if any((ROOT / folder).rglob("*.*"))]


def _cpp_files() -> list[pathlib.Path]:
    return sorted(
        path
        for folder in _existing(_CPP)
        for pattern in ("*.cpp", "*.h")
        for path in (ROOT / folder).rglob(pattern)
    )


def _database() -> list[dict[str, str]]:
    """Writes build/tidy/compile_commands.json with each file once; its entries.

    The tracker's sources are compiled twice (for the module and for the unit tests) and would be
    checked twice.
    """
    entries = json.loads((BUILD / "dev" / "compile_commands.json").read_text())
    ours = (str(ROOT / "src"), str(ROOT / "tests" / "cpp"))
    once = {entry["file"]: entry for entry in entries if entry["file"].startswith(ours)}
    _TIDY.mkdir(parents=True, exist_ok=True)
    (_TIDY / "compile_commands.json").write_text(json.dumps(list(once.values())))
    return [once[file] for file in sorted(once)]


def _tidy(program: pathlib.Path) -> bool:
    """clang-tidy over every translation unit of the dev preset, two at a time.

    What was clean is looked at again when it, a header of ours that it includes, its command, the
    checks or clang-tidy have changed; that is known across clones, as ccache's results are.
    """
    entries = _database()
    version = subprocess.run([str(program), "--version"], capture_output=True, check=True).stdout
    common = version + b"".join(path.read_bytes() for path in _CHECK_LISTS)
    clean_file = cache() / "clang-tidy.json"
    clean: list[str] = json.loads(clean_file.read_text()) if clean_file.exists() else []
    known = frozenset(clean)

    def look(entry: Mapping[str, str]) -> tuple[str, str]:
        file = pathlib.Path(entry["file"])
        digest = hashlib.sha256(common)
        digest.update(entry["command"].replace(str(ROOT), "").encode())
        for path in sorted(_included(file)):
            digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
            digest.update(path.read_bytes())
        key = digest.hexdigest()
        if key in known:
            return key, ""
        done = subprocess.run(
            [str(program), "-p", str(_TIDY), "--quiet", str(file)],
            env=environment(),
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
        )
        return key, "" if done.returncode == 0 else done.stdout + done.stderr

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(look, entries))
    for _, report in found:
        if report:
            say(report.rstrip())
    now_clean = [key for key, report in found if not report]
    kept = [key for key in clean if key not in now_clean][-_TIDY_REMEMBERS:]
    partial = clean_file.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(kept + now_clean))
    partial.replace(clean_file)
    return not any(report for _, report in found)


def _included(file: pathlib.Path) -> set[pathlib.Path]:
    """The file and the headers of the tree that it includes, directly or not."""
    found: set[pathlib.Path] = set()
    pending = [file]
    while pending:
        path = pending.pop()
        if path in found:
            continue
        found.add(path)
        for name in _INCLUDE.findall(path.read_text()):
            folders = (ROOT / "src", ROOT / "tests" / "cpp", path.parent)
            pending += [folder / name for folder in folders if (folder / name).exists()][:1]
    return found


def write_format(programs: pathlib.Path) -> int:
    """Brings every file into the form that `lint` asks for; 0 if nothing stood in the way."""
    codes = [
        run([programs / "ruff", "check", "--fix", "--quiet", *_existing(_PYTHON)]),
        run([programs / "ruff", "format", *_existing(_PYTHON)]),
        run([programs / "clang-format", "-i", *_cpp_files()]),
    ]
    return 1 if any(codes) else 0


def lint(
    programs: pathlib.Path,
    tools: Mapping[str, str],
    python: pathlib.Path,
    web: Mapping[str, tuple[Sequence[str], Mapping[str, str]]],
) -> int:
    """Runs all checks; 0 if all are clean.

    Parameters
    ----------
    programs
        The directory of ruff, mypy, clang-format and clang-tidy.
    tools
        Environment variables under which CMake is found.
    python
        The interpreter whose headers the modules are checked with.
    web
        The checks of the report's page by name: a command and its environment.
    """
    failed: list[str] = []

    def check(
        name: str, *command: str | pathlib.Path, extra: Mapping[str, str] | None = None
    ) -> None:
        with step(name):
            if run(command, extra=extra) != 0:
                failed.append(name)

    check("ruff check", programs / "ruff", "check", *_existing(_PYTHON))
    check("ruff format", programs / "ruff", "format", "--check", *_existing(_PYTHON))
    check("mypy --strict", programs / "mypy", *_existing(_TYPED))
    for folder in _existing(_TESTS):  # one run a folder: each has modules of the same names
        check(f"mypy {folder}", programs / "mypy", *_LOOSELY, folder, extra={"MYPYPATH": folder})
    check("clang-format", programs / "clang-format", "--dry-run", "--Werror", *_cpp_files())
    for name, (command, extra) in web.items():
        check(name, *command, extra=extra)
    with step("clang-tidy"):
        native.configure("dev", tools, python)
        if not _tidy(programs / "clang-tidy"):
            failed.append("clang-tidy")

    say("")
    say(f"lint: failed: {', '.join(failed)}" if failed else "lint: clean")
    return 1 if failed else 0

"""``make lint``: format, static checks and types, every one run even when an earlier one failed."""

from __future__ import annotations

import hashlib
import json
import pathlib
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from tools.house import native
from tools.house.layout import BUILD, ROOT
from tools.house.process import environment, run, say, step

_CPP = ("src", "tests/cpp", "tests/fuzz")
_PYTHON = ("python", "tests", "tools", "benchmarks", "examples")
_CHECK_LISTS = (ROOT / ".clang-tidy", ROOT / "tests" / "cpp" / ".clang-tidy")
_TIDY = BUILD / "tidy"
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


def _database() -> list[pathlib.Path]:
    """Writes build/tidy/compile_commands.json with each file once; the files in it.

    The tracker's sources are compiled twice (for the module and for the unit tests) and would be
    checked twice.
    """
    entries = json.loads((BUILD / "dev" / "compile_commands.json").read_text())
    ours = (str(ROOT / "src"), str(ROOT / "tests" / "cpp"))
    once = {entry["file"]: entry for entry in entries if entry["file"].startswith(ours)}
    _TIDY.mkdir(parents=True, exist_ok=True)
    (_TIDY / "compile_commands.json").write_text(json.dumps(list(once.values())))
    return [pathlib.Path(file) for file in sorted(once)]


def _tidy(program: pathlib.Path) -> bool:
    """clang-tidy over every translation unit of the dev preset, two at a time.

    What was clean is looked at again when it, a header or the checks have changed.
    """
    files = _database()
    headers = [path for path in _cpp_files() if path.suffix == ".h"]
    common = _digest([*_CHECK_LISTS, *headers])
    clean_file = _TIDY / "clean.json"
    clean: set[str] = set(json.loads(clean_file.read_text())) if clean_file.exists() else set()

    def look(file: pathlib.Path) -> tuple[str, str]:
        key = common + _digest([file])
        if key in clean:
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
        found = list(pool.map(look, files))
    for _, report in found:
        if report:
            say(report.rstrip())
    clean_file.write_text(json.dumps([key for key, report in found if not report]))
    return not any(report for _, report in found)


def _digest(files: Sequence[pathlib.Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


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

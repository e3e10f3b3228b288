"""What the wheel holds, what it needs, and what importing it costs."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import sys
import venv
from collections.abc import Iterator

import pytest

import heapscope

LIBC = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "ld-linux-x86-64.so.2"}
TREE = pathlib.Path(__file__).resolve().parents[2]


def module_file(installed: pathlib.Path, name: str) -> pathlib.Path:
    (found,) = installed.glob(f"{name}.*.so")
    return found


def needed_libraries(file: pathlib.Path) -> set[str]:
    dynamic = subprocess.check_output(["readelf", "--dynamic", "--wide", file], text=True)
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))


def undefined_symbols(file: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Names that someone else must define, and whether each may stay undefined (WEAK) or not."""
    table = subprocess.check_output(["readelf", "--dyn-syms", "--wide", file], text=True)
    for line in table.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[6] == "UND":
            yield fields[7], fields[4]


def isolated(code: str) -> str:
    """What a fresh interpreter prints, without the caller's settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "HEAPSCOPE"))}
    return subprocess.check_output([sys.executable, "-c", code], text=True, env=environment)


@pytest.mark.parametrize("name", ["_tracker", "_analysis"])
def test_an_extension_module_needs_nothing_but_libc(installed: pathlib.Path, name: str) -> None:
    assert needed_libraries(module_file(installed, name)) <= LIBC


def test_the_tracker_asks_only_python_and_libc_for_symbols(installed: pathlib.Path) -> None:
    foreign = [
        name
        for name, binding in undefined_symbols(module_file(installed, "_tracker"))
        if binding != "WEAK" and "@GLIBC_" not in name and not name.startswith(("Py", "_Py"))
    ]
    assert foreign == []


def test_the_tracker_shows_the_program_only_its_init_function(installed: pathlib.Path) -> None:
    file = module_file(installed, "_tracker")
    table = subprocess.check_output(["nm", "--dynamic", "--defined-only", file], text=True)
    assert [line.split()[-1] for line in table.splitlines()] == ["PyInit__tracker"]


def test_thread_locals_of_the_tracker_are_read_without_a_call(installed: pathlib.Path) -> None:
    wanted = dict(undefined_symbols(module_file(installed, "_tracker")))
    assert not any(name.startswith("__tls_get_addr") for name in wanted)


def test_the_start_hooks_lie_where_site_finds_them(installed: pathlib.Path) -> None:
    recorder, timeline = (installed.parent / "heapscope-run.pth").read_text().splitlines()
    assert '"HEAPSCOPE_RUN" in os.environ' in recorder
    assert '"HEAPSCOPE_TIMELINE"' in timeline


def test_an_interpreter_that_is_not_recorded_imports_nothing_of_ours() -> None:
    code = "import sys; print([name for name in sys.modules if 'heapscope' in name])"
    assert isolated(code).strip() == "[]"


def test_importing_heapscope_brings_only_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); import heapscope;"
        "import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    brought = {name.partition(".")[0] for name in json.loads(isolated(code))}
    assert brought - set(sys.stdlib_module_names) == {"heapscope"}


def test_the_wheel_holds_the_package_and_no_source_of_the_modules() -> None:
    files = [str(file) for file in importlib.metadata.files("heapscope") or []]
    assert "heapscope/py.typed" in files
    assert "heapscope/_tracker.pyi" in files
    assert "heapscope/_analysis.pyi" in files
    page = "heapscope/report/template.html"
    assert page in files
    inside = {file for file in files if not file.startswith(("..", "heapscope-"))}
    unexpected = {
        file for file in inside if not re.fullmatch(r"heapscope/.*\.(py|pyc|pyi|so|typed)", file)
    }
    assert unexpected == {page}


def test_the_distribution_and_the_package_have_one_version() -> None:
    assert importlib.metadata.version("heapscope") == heapscope.__version__


def test_the_command_is_installed() -> None:
    scripts = importlib.metadata.entry_points(group="console_scripts", name="heapscope")
    (command,) = scripts
    assert command.value == "heapscope.cli.main:main"
    assert callable(command.load())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The wheel under test: the one `make test` built, else one that is built here."""
    made = list((TREE / "build" / "wheelhouse" / pathlib.Path(sys.prefix).name).glob("*.whl"))
    if made:
        return made[0]
    house = tmp_path_factory.mktemp("wheel")
    backend = "import sys, scikit_build_core.build as backend; backend.build_wheel(sys.argv[1])"
    subprocess.check_call([sys.executable, "-c", backend, house], cwd=TREE)
    (built,) = house.glob("*.whl")
    return built


def test_a_repaired_wheel_carries_no_library_and_earns_a_manylinux_tag(
    wheel: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    programs = pathlib.Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    repair = [sys.executable, "-m", "auditwheel", "repair", "-w", str(tmp_path), str(wheel)]
    subprocess.run(repair, check=True, capture_output=True, env=environment)
    (repaired,) = tmp_path.glob("*.whl")
    assert "manylinux" in repaired.name
    listing = subprocess.check_output([sys.executable, "-m", "zipfile", "-l", repaired], text=True)
    assert "heapscope.libs" not in listing


@pytest.mark.one_version
def test_a_wheel_works_in_an_empty_environment(wheel: pathlib.Path, tmp_path: pathlib.Path) -> None:
    empty = tmp_path / "empty"
    venv.create(empty, with_pip=True, symlinks=True)
    python = empty / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.check_call([*pip, str(wheel)])
    capture = tmp_path / "empty.hscope"
    script = "kept = bytearray(5_000_000)"
    heapscope_command = empty / "bin" / "heapscope"
    subprocess.check_call([heapscope_command, "run", "-q", "-o", capture, "-c", script])
    question = f"import heapscope; print(heapscope.Capture({str(capture)!r}).peak_bytes)"
    assert int(subprocess.check_output([python, "-c", question], text=True)) >= 5_000_000

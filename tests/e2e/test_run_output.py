"""Where `heapscope run` puts the capture, what it says, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import heapscope
from heapscope import Capture

LEAVE_A_TRACE = "open('ran', 'w').close()\nprint('ran')\n"


def run(directory: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heapscope", "run", *arguments]
    return subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=60, **options
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "work.py").write_text(LEAVE_A_TRACE)
    return tmp_path


def refusal(directory: Path, *arguments: str, **options: Any) -> str:
    """Run what must be refused: one line, exit code 2, and the program not started."""
    before = sorted(directory.iterdir())
    ended = run(directory, *arguments, **options)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert re.fullmatch(r"heapscope: [^\n]+\n", ended.stderr)
    assert sorted(directory.iterdir()) == before
    return ended.stderr


@pytest.mark.one_version
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["work.py"], "work.py"),
        (["./work.py"], "work.py"),
        (["-m", "work"], "work"),
        (["-m", "package.part"], "package.part"),
        (["-c", "import os; print(os.getpid())"], "command"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_capture_is_named_after_the_program_and_its_process(
    directory: Path, arguments: list[str], name: str
) -> None:
    for file in ("work.py", "package/part.py", "package/__init__.py"):
        (directory / file).parent.mkdir(exist_ok=True)
        (directory / file).write_text("import os\nif __name__ == '__main__': print(os.getpid())\n")
    ended = run(directory, *arguments)
    (capture,) = directory.glob("*.hscope")
    assert capture.name == f"{name}.{int(ended.stdout)}.hscope"
    assert re.fullmatch(
        rf"heapscope: peak .+ recorded in {re.escape(capture.name)}; next: [^\n]+\n", ended.stderr
    )


def test_quiet_does_not_name_the_capture(directory: Path) -> None:
    assert run(directory, "-q", "work.py").stderr == ""
    assert len(list(directory.glob("*.hscope"))) == 1


@pytest.mark.one_version
@pytest.mark.parametrize(
    "option", [["-o", "out.hscope"], ["-oout.hscope"], ["--output=out.hscope"]]
)
def test_an_output_goes_where_it_was_asked_for(directory: Path, option: list[str]) -> None:
    ended = run(directory, *option, "work.py")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ran\n", "")
    assert [path.name for path in directory.glob("*.hscope")] == ["out.hscope"]
    assert Capture(directory / "out.hscope").complete


@pytest.mark.one_version
def test_an_output_may_have_any_name(directory: Path) -> None:
    for name in ("100%p.hscope", "%%.hscope", "with blanks.hscope", "ü\n.hscope", "%d%s"):
        assert run(directory, "-o", name, "work.py").returncode == 0
        assert Capture(directory / name).complete


def test_a_program_that_changes_its_directory_is_still_recorded(directory: Path) -> None:
    code = "import os; os.chdir('/'); kept = [bytearray(100) for _ in range(50_000)]"
    assert run(directory, "-o", "out.hscope", "-c", code).returncode == 0
    assert Capture(directory / "out.hscope").peak_bytes > 5_000_000


@pytest.mark.one_version
def test_an_existing_output_is_not_replaced(directory: Path) -> None:
    (directory / "out.hscope").write_text("precious")
    assert "--force" in refusal(directory, "-o", "out.hscope", "work.py")
    assert (directory / "out.hscope").read_text() == "precious"


@pytest.mark.one_version
def test_force_replaces_an_existing_output(directory: Path) -> None:
    (directory / "out.hscope").write_text("old")
    assert run(directory, "--force", "-o", "out.hscope", "work.py").returncode == 0
    assert Capture(directory / "out.hscope").complete


@pytest.mark.one_version
def test_force_replaces_no_directory_and_no_device(directory: Path) -> None:
    (directory / "folder").mkdir()
    os.mkfifo(directory / "pipe")
    assert "directory" in refusal(directory, "--force", "-o", "folder", "work.py")
    assert "regular" in refusal(directory, "--force", "-o", "pipe", "work.py")
    assert "regular" in refusal(directory, "--force", "-o", "/dev/null", "work.py")


@pytest.mark.one_version
def test_a_dangling_link_is_an_existing_output(directory: Path) -> None:
    (directory / "out.hscope").symlink_to("nowhere")
    assert "exists" in refusal(directory, "-o", "out.hscope", "work.py")


@pytest.mark.one_version
def test_an_output_that_cannot_be_written_is_refused(directory: Path) -> None:
    assert "/proc/out.hscope" in refusal(directory, "-o", "/proc/out.hscope", "work.py")
    assert "No such file" in refusal(directory, "-o", "missing/out.hscope", "work.py")
    assert "too long" in refusal(directory, "-o", "n" * 300, "work.py")


def test_a_missing_script_is_refused(directory: Path) -> None:
    assert "'missing.py'" in refusal(directory, "missing.py")
    assert "No such file" in refusal(directory, "-o", "out.hscope", "missing.py", "argument")


@pytest.mark.one_version
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-q"],
        ["-o"],
        ["-o", "x.hscope"],
        ["-m"],
        ["-c"],
        ["--fast", "work.py"],
        ["-o", "", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line(directory: Path, arguments: list[str]) -> None:
    refusal(directory, *arguments)


def test_an_interpreter_without_site_is_refused(directory: Path) -> None:
    command = [sys.executable, "-S", "-m", "heapscope", "run", "work.py"]
    package = str(Path(heapscope.__file__).parents[1])
    ended = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": package},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert re.fullmatch(r"heapscope: python -S [^\n]+\n", ended.stderr)
    assert not (directory / "ran").exists()


def test_a_tracker_that_cannot_start_is_said_twice_and_stops_nothing(directory: Path) -> None:
    def no_file_may_grow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    ended = run(directory, "-o", "out.hscope", "-c", "print('ran')", preexec_fn=no_file_may_grow)
    assert (ended.returncode, ended.stdout) == (0, "ran\n")
    first, last = ended.stderr.splitlines()
    assert "unrecorded" in first
    assert "no capture" in last
    assert not (directory / "out.hscope").exists()


@pytest.mark.one_version
def test_a_disk_that_fills_up_is_said_at_the_end_and_stops_nothing(directory: Path) -> None:
    def files_stay_small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

    source = (
        "import ast, pathlib\n"
        "files = sorted(pathlib.Path(ast.__file__).parent.glob('*.py'))[:30]\n"
        "for path in files:\n    ast.unparse(ast.parse(path.read_text()))\n"
        "print('ran')\n"
    )
    (directory / "work.py").write_text(source)
    ended = run(directory, "-o", "out.hscope", "work.py", preexec_fn=files_stay_small)
    assert (ended.returncode, ended.stdout) == (0, "ran\n")
    assert re.search(r"heapscope: the capture is incomplete, [\d,]+ events were lost", ended.stderr)
    recorded = Capture(directory / "out.hscope")
    assert recorded.complete
    tracker = recorded.summary()["tracker"]
    assert tracker["disk_full"]
    assert tracker["events_lost"] + tracker["folded_stacks"] > 0  # by which table was full


def test_metadata_describes_the_process(directory: Path) -> None:
    source = (
        "import json, os, sys, threading, time\n"
        "ready = threading.Event()\n"
        "def work():\n    kept = bytearray(1000)\n    ready.set()\n    time.sleep(60)\n"
        "threading.Thread(target=work, name='the worker', daemon=True).start()\n"
        "ready.wait()\n"
        "print(json.dumps([os.getpid(), sys.version, sys.executable, os.getcwd(),"
        " threading.main_thread().native_id]))\n"
        "sys.exit(3)\n"
    )
    (directory / "work.py").write_text(source)
    ended = run(directory, "-o", "out.hscope", "work.py", "--näme", 'quo"te\\', "tab\t")
    process, version, executable, current, main_thread = json.loads(ended.stdout)
    metadata = Capture(directory / "out.hscope").metadata
    assert json.loads(metadata["command"]) == [
        executable, "work.py", "--näme", 'quo"te\\', "tab\t",
    ]  # fmt: skip
    assert metadata["process_id"] == str(process)
    assert metadata["python_build"] == version
    assert metadata["python_version"] == version.split()[0]
    assert metadata["heapscope_version"] == heapscope.__version__
    assert metadata["host"] == os.uname().nodename
    assert (metadata["executable"], metadata["directory"]) == (executable, current)
    assert metadata["exit_status"] == "3"
    assert metadata["allocator"] == "pymalloc"
    assert json.loads(metadata["flags"])["dev_mode"] is False
    names = [value for key, value in metadata.items() if key.startswith("thread:")]
    assert sorted(names) == ["MainThread", "the worker"]
    assert metadata[f"thread:{main_thread}"] == "MainThread"


@pytest.mark.parametrize(
    ("options", "variable", "name"),
    [
        ([], "malloc", "malloc"),
        ([], "debug", "pymalloc_debug"),
        ([], "malloc_debug", "malloc_debug"),
        (["-X", "dev"], "", "pymalloc_debug"),
        (["-E"], "malloc", "pymalloc"),
    ],
)
def test_metadata_names_the_allocator(
    directory: Path, options: list[str], variable: str, name: str
) -> None:
    command = [sys.executable, *options, "-m", "heapscope", "run", "-o", "out.hscope", "work.py"]
    environment = {**os.environ, "PYTHONMALLOC": variable}
    subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.PIPE)
    assert Capture(directory / "out.hscope").metadata["allocator"] == name


def test_bytes_of_a_command_line_that_are_no_text_are_kept(directory: Path) -> None:
    arguments = ["-m", "heapscope", "run", "-o", "out.hscope", "work.py", os.fsdecode(b"\xff")]
    subprocess.run([sys.executable, *arguments], cwd=directory, check=True, stdout=subprocess.PIPE)
    recorded = json.loads(Capture(directory / "out.hscope").metadata["command"])
    assert os.fsencode(recorded[-1]) == b"\xff"

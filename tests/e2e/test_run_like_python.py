"""`heapscope run X` does what `python X` does, as far as the program and its caller can tell."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Outcome:
    """What a caller sees of a program."""

    code: int
    stdout: bytes
    stderr: bytes


def execute(command: list[str], directory: Path, **options: Any) -> Outcome:
    ended = subprocess.run(command, cwd=directory, capture_output=True, timeout=60, **options)
    code = ended.returncode
    return Outcome(code if code >= 0 else 128 - code, ended.stdout, ended.stderr)


def assert_same(
    directory: Path,
    program: list[str],
    *,
    interpreter: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    stdin: bytes = b"",
) -> Outcome:
    """Run a program both ways in one directory, compare, and prove that one way was recorded."""
    capture = directory.parent / f"{directory.name}.hscope"
    python = [sys.executable, *interpreter]
    options: dict[str, Any] = {"input": stdin, "env": {**os.environ, **(environment or {})}}
    expected = execute([*python, *program], directory, **options)
    recorder = ["-m", "heapscope", "run", "-q", "--force", "-o", str(capture)]
    found = execute([*python, *recorder, *program], directory, **options)
    assert found == expected
    assert capture.stat().st_size > 0
    return found


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.mkdir()
    return path


def write(directory: Path, name: str, source: str) -> str:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return name


DESCRIBE = """
import __main__, os, signal, sys, warnings
import threading
print(sys.argv, __name__, __package__, __spec__ and __spec__.name, type(__loader__).__name__)
print(sorted(vars(__main__)), getattr(__main__, "__file__", None), __doc__)
print(sys.path, sys.executable, sys.prefix, sys.base_prefix, sys.flags, sys.warnoptions)
print(sys._xoptions, warnings.filters, len(sys.meta_path), len(sys.path_hooks))
print(sorted(item for item in os.environ.items() if item[0] != "_"), os.getcwd())
print(sorted(os.listdir("/proc/self/fd")), os.listdir("/proc/self/task") == [str(os.getpid())])
print([signal.getsignal(number) for number in sorted(signal.valid_signals())])
print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), os.getpgrp() == os.getpgid(0))
print(sys.gettrace(), sys.getprofile(), sys.excepthook is sys.__excepthook__, sys.displayhook)
print(sorted(set(sys.modules) - {"heapscope", "heapscope._tracker"}))
print(threading.active_count(), threading.current_thread().name, sys.getrecursionlimit())
print(sys.stdin.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.getswitchinterval())
"""


def test_a_script_sees_the_process_it_would_see(directory: Path) -> None:
    script = write(directory, "work.py", DESCRIBE)
    found = assert_same(directory, [script, "one", "-o", "--force", "two words", ""])
    assert b"heapscope" not in found.stdout.replace(b"heapscope-run", b"")


@pytest.mark.parametrize(
    "interpreter",
    [
        ("-X", "dev"),
        ("-Xdev", "-B"),
        ("-W", "error", "-bb"),
        ("-Werror::BytesWarning", "-OO"),
        ("-I",),
        ("-E", "-s"),
        ("-u", "-X", "utf8"),
        ("-X", "tracemalloc=3"),
        ("-B", "-X", "faulthandler", "--check-hash-based-pycs", "always"),
    ],
    ids=" ".join,
)
def test_the_interpreters_options_reach_the_program(
    directory: Path, interpreter: tuple[str, ...]
) -> None:
    script = write(directory, "work.py", DESCRIBE)
    assert_same(directory, [script], interpreter=interpreter)


@pytest.mark.parametrize("allocator", ["malloc", "pymalloc", "debug", "malloc_debug"])
def test_every_allocator_of_the_interpreter_works(directory: Path, allocator: str) -> None:
    script = write(directory, "work.py", "print(sum(len(str(n)) for n in range(20_000)))")
    assert_same(directory, [script], environment={"PYTHONMALLOC": allocator})


@pytest.mark.one_version
@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_the_locale_is_decided_by_the_programs_own_interpreter(
    directory: Path, locale: str
) -> None:
    script = write(directory, "work.py", DESCRIBE)
    assert_same(directory, [script], environment={"LC_ALL": "", "LC_CTYPE": "", "LANG": locale})
    assert_same(directory, [script], environment={"LC_ALL": locale})


ENDINGS = {
    "falls off its end": "print('done')",
    "exits with 3": "import sys; sys.exit(3)",
    "exits with nothing": "import sys; sys.exit()",
    "exits with 300": "import sys; sys.exit(300)",
    "exits with a text": "import sys; sys.exit('no such thing')",
    "raises": "def work():\n    return {}['key']\n\nwork()\n",
    "raises from": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError(1) from e",
    "raises a group of lines": "def f(n):\n    return f(n + 1)\nf(0)",
    "is interrupted": "raise KeyboardInterrupt",
    "leaves at once": "import os, sys; sys.stdout.write('lost'); os._exit(7)",
    "is terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "is killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "aborts": "import os; os.abort()",
    "has an error in its syntax": "def work(:\n    pass\n",
    "does not end its threads": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "print('main is done')\n"
    ),
    "ends in a thread": (
        "import threading\n"
        "def work():\n    raise ValueError('in a thread')\n"
        "t = threading.Thread(target=work, name='worker')\nt.start()\nt.join()\n"
    ),
    "fails in an atexit function": (
        "import atexit\n"
        "class Last:\n"
        "    __repr__ = lambda self: 'last'\n"
        "    def __call__(self):\n        raise OSError('too late')\n"
        "atexit.register(Last())\n"
    ),
    "prints from __del__": (
        "class Last:\n    def __del__(self):\n        print('gone')\nkept = Last()\n"
    ),
    "forks": (
        "import os, sys\n"
        "child = os.fork()\n"
        "if not child:\n    sys.exit(4)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    ),
}


@pytest.mark.parametrize("source", ENDINGS.values(), ids=ENDINGS.keys())
def test_a_program_ends_as_it_would(directory: Path, source: str) -> None:
    script = write(directory, "work.py", source)
    assert_same(directory, [script])


@pytest.mark.one_version
@pytest.mark.parametrize("source", ENDINGS.values(), ids=ENDINGS.keys())
def test_code_on_the_command_line_ends_as_it_would(directory: Path, source: str) -> None:
    assert_same(directory, ["-c", source, "one", "-m", "two"])


@pytest.mark.one_version
@pytest.mark.parametrize("source", ["raises", "exits with a text", "falls off its end"])
def test_a_module_ends_as_it_would(directory: Path, source: str) -> None:
    write(directory, "package/__init__.py", "print('package', __name__)\n")
    write(directory, "package/__main__.py", ENDINGS[source])
    write(directory, "package/part.py", ENDINGS[source])
    assert_same(directory, ["-m", "package", "one"])
    assert_same(directory, ["-m", "package.part", "-c", "two"])


def test_a_module_sees_the_process_it_would_see(directory: Path) -> None:
    write(directory, "package/__init__.py", "")
    write(directory, "package/__main__.py", DESCRIBE)
    assert_same(directory, ["-m", "package", "one", "--two"])


def test_code_on_the_command_line_sees_the_process_it_would_see(directory: Path) -> None:
    assert_same(directory, ["-c", DESCRIBE, "one", "--two"])


def test_a_missing_module_is_the_interpreters_error(directory: Path) -> None:
    found = assert_same(directory, ["-m", "no_such_module"])
    assert found.code == 1


def test_a_script_in_a_zip_file_runs(directory: Path) -> None:
    with zipfile.ZipFile(directory / "work.zip", "w") as archive:
        archive.writestr("__main__.py", "import part\n" + DESCRIBE + "\npart.fail()\n")
        archive.writestr("part.py", "def fail():\n    raise ValueError('from the archive')\n")
    assert_same(directory, ["work.zip", "one"])


def test_a_directory_with_a_main_module_runs(directory: Path) -> None:
    write(directory, "work/__main__.py", DESCRIBE)
    assert_same(directory, ["work", "one"])


def test_a_directory_without_a_main_module_is_the_interpreters_error(directory: Path) -> None:
    (directory / "empty").mkdir()
    assert_same(directory, ["empty"])


def test_standard_input_is_the_programs(directory: Path) -> None:
    script = write(directory, "work.py", "import sys\nprint(sys.stdin.read()[::-1])\n")
    found = assert_same(directory, [script], stdin="über alle\n".encode())
    assert found.stdout == "\nella rebü\n".encode()


def test_a_program_can_come_from_standard_input(directory: Path) -> None:
    assert_same(directory, ["-", "one"], stdin=b"import sys; print(sys.argv, __name__)")


def test_a_script_whose_name_begins_with_a_dash_runs(directory: Path) -> None:
    write(directory, "-work.py", "import sys; print(sys.argv)")
    assert_same(directory, ["--", "-work.py", "one"])


def test_atexit_functions_run_in_their_order(directory: Path) -> None:
    source = (
        "import atexit, threading\n"
        "for n in range(5):\n    atexit.register(print, 'atexit', n)\n"
        "ended = threading.Event()\n"
        "threading.Thread(target=lambda: (ended.wait(), print('thread'))).start()\n"
        "print('end of main')\n"
        "ended.set()\n"
    )
    script = write(directory, "work.py", source)
    found = assert_same(directory, [script])
    assert found.stdout.endswith(b"atexit 1\natexit 0\n")


def test_a_program_that_starts_programs_runs(directory: Path) -> None:
    source = (
        "import multiprocessing, os, subprocess, sys\n"
        "def work(n):\n    return n * n\n"
        "if __name__ == '__main__':\n"
        "    print(subprocess.run([sys.executable, '-c', 'import os, sys; "
        'print([n for n in os.environ if n.startswith("HEAPSCOPE")], '
        '"heapscope" in sys.modules)\'], '
        "stdout=subprocess.PIPE).stdout)\n"
        "    for method in 'fork', 'spawn', 'forkserver':\n"
        "        with multiprocessing.get_context(method).Pool(2) as pool:\n"
        "            print(method, pool.map(work, range(5)))\n"
    )
    script = write(directory, "work.py", source)
    found = assert_same(directory, [script])
    assert b"[] False" in found.stdout


def test_a_module_of_the_program_never_shadows_what_heapscope_needs(directory: Path) -> None:
    for name in ("signal", "json", "argparse", "rich", "linecache", "stat"):
        write(directory, f"{name}.py", "raise SystemExit('shadowed')\n")
    assert_same(directory, ["-c", "print('ran')"], environment={"PYTHONSAFEPATH": "1"})
    write(directory, "work.py", "print('ran')")
    assert_same(directory, ["work.py"])


def test_closed_standard_streams_stay_closed(directory: Path) -> None:
    script = write(
        directory,
        "work.py",
        "import os\nos.write(1, repr(sorted(os.listdir('/proc/self/fd'))).encode())",
    )
    capture = directory / "out.hscope"
    recorder = [sys.executable, "-m", "heapscope", "run", "-q", "-o", str(capture), script]
    plain = [sys.executable, script]
    for closing in ("0<&-", "2>&-", "0<&- 2>&-"):
        results = [
            subprocess.run(
                ["sh", "-c", f'exec "$@" {closing}', "sh", *command],
                cwd=directory,
                stdout=subprocess.PIPE,
                timeout=60,
            )
            for command in (plain, recorder)
        ]
        assert results[0].stdout == results[1].stdout
        capture.unlink()

"""What must come from the system: the compiler, zstd, GoogleTest, Python's headers and venv.

A missing piece is installed with apt-get where that is possible (root on Debian or Ubuntu);
otherwise one line says what to install.
"""

from __future__ import annotations

import ctypes.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tools.house.interpreters import Interpreter
from tools.house.process import Problem, environment, say


@dataclass(frozen=True)
class Piece:
    """Something the build needs, how to see it, and the packages that bring it."""

    name: str
    present: Callable[[], bool]
    debian: str
    fedora: str


def _compiles(source: str, *arguments: str, compiler: str | None = None) -> bool:
    """Whether the C++ compiler accepts, links and (where asked) starts a small program."""
    program = compiler or os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not program or not shutil.which(program):
        return False
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "probe.cpp")
        path.write_text(source)
        return (
            subprocess.run(
                [program, "-std=c++20", str(path), "-o", str(path.with_suffix("")), *arguments],
                capture_output=True,
                check=False,
                env=environment(),
            ).returncode
            == 0
        )


def _has_headers(interpreter: Interpreter) -> bool:
    probe = "import sysconfig; print(sysconfig.get_path('include'))"
    done = subprocess.run(
        [str(interpreter.program), "-I", "-c", probe], capture_output=True, check=True
    )
    return pathlib.Path(done.stdout.decode().strip(), "Python.h").exists()


def _has_venv(interpreter: Interpreter) -> bool:
    command = [str(interpreter.program), "-I", "-c", "import ensurepip, venv"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


COMPILER = Piece(
    "a C++20 compiler",
    lambda: _compiles(
        "#include <concepts>\n#include <span>\nint main() { return int(std::span<int>{}.size()); }"
    ),
    "g++",
    "gcc-c++",
)
ZSTD = Piece(
    "the zstd library",
    lambda: _compiles(
        "#include <zstd.h>\nint main() { return ZSTD_versionNumber() == 0; }", "-lzstd"
    ),
    "libzstd-dev",
    "libzstd-devel",
)
GTEST = Piece(
    "GoogleTest",
    lambda: _compiles(
        "#include <gtest/gtest.h>\nTEST(A, B) {}", "-lgtest_main", "-lgtest", "-lpthread"
    ),
    "libgtest-dev",
    "gtest-devel",
)
CLANG = Piece(
    "clang with its ThreadSanitizer",
    lambda: _compiles("int main() {}", "-fsanitize=thread", compiler="clang++"),
    "clang libclang-rt-dev",
    "clang compiler-rt",
)

JEMALLOC = Piece(
    "jemalloc", lambda: ctypes.util.find_library("jemalloc") is not None, "libjemalloc2", "jemalloc"
)
TCMALLOC = Piece(
    "tcmalloc",
    lambda: ctypes.util.find_library("tcmalloc_minimal") is not None,
    "libtcmalloc-minimal4",
    "gperftools-libs",
)


def python_pieces(interpreter: Interpreter) -> list[Piece]:
    """What an interpreter of the distribution may lack: headers and venv."""
    return [
        Piece(
            f"Python {interpreter.minor}'s C headers",
            lambda: _has_headers(interpreter),
            f"python{interpreter.minor}-dev",
            "python3-devel",
        ),
        Piece(
            f"Python {interpreter.minor}'s venv module",
            lambda: _has_venv(interpreter),
            f"python{interpreter.minor}-venv",
            "python3",
        ),
    ]


def require(pieces: Iterable[Piece]) -> None:
    """Installs what is missing, or raises a `Problem` with exit code 2 that names all of it."""
    missing = [piece for piece in pieces if not piece.present()]
    if not missing:
        return
    names = ", ".join(piece.name for piece in missing)
    packages = " ".join(piece.debian for piece in missing)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"== missing: {names}; apt-get install {packages}")
        _apt_install(packages.split())
        missing = [piece for piece in missing if not piece.present()]
        if not missing:
            return
        names = ", ".join(piece.name for piece in missing)
    if shutil.which("dnf"):
        packages = " ".join(piece.fedora for piece in missing)
        how = f"sudo dnf install {packages}"
    else:
        packages = " ".join(piece.debian for piece in missing)
        how = f"sudo apt-get install {packages}"
    raise Problem(f"missing: {names}. Install with: {how}", 2)


def wish(pieces: Iterable[Piece]) -> None:
    """Like `require`, for what only some tests need: they say themselves that it is missing."""
    missing = [piece for piece in pieces if not piece.present()]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_install([piece.debian for piece in missing])


def _apt_install(packages: list[str]) -> None:
    extra = environment({"DEBIAN_FRONTEND": "noninteractive"})
    for arguments in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            ["apt-get", *arguments], env=extra, check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            print(done.stderr.strip(), file=sys.stderr)

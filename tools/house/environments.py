"""Virtual environments under ``build/venv``, filled from the dependency groups of pyproject.toml.

An environment is made once and left alone until its interpreter or its group changes. One pip,
in an environment of its own, fills them all: a pip in each would take longer than what it installs.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
from typing import Any

from tools.house import system
from tools.house.interpreters import Interpreter
from tools.house.layout import BUILD, ENVIRONMENTS, ROOT
from tools.house.process import run, run_quietly, step

_OLDEST_CMAKE = (3, 25)


def project() -> dict[str, Any]:
    """pyproject.toml, parsed; 3.10 has no parser of its own, but its pip has one."""
    for name in ("tomllib", "pip._vendor.tomli"):
        try:
            parser = importlib.import_module(name)
        except ImportError:
            continue
        parsed: dict[str, Any] = parser.loads((ROOT / "pyproject.toml").read_text())
        return parsed
    raise AssertionError("an interpreter without tomllib and without pip")


RUN_TIME = "run-time"
"""The name, among the groups, of what the package itself depends on."""


def requirements(group: str) -> list[str]:
    """The requirements of a dependency group."""
    parsed = project()
    if group == RUN_TIME:
        return list(parsed["project"]["dependencies"])
    return list(parsed["dependency-groups"][group])


class Environment:
    """One virtual environment: its directory, its interpreter, what is installed in it."""

    def __init__(self, name: str, interpreter: Interpreter) -> None:
        self.directory = ENVIRONMENTS / name
        self.interpreter = interpreter
        self.python = self.directory / "bin" / "python"
        self._stamp = self.directory / "installed.json"

    def _read(self) -> dict[str, str]:
        try:
            stamps: dict[str, str] = json.loads(self._stamp.read_text())
        except (OSError, ValueError):
            return {}
        return stamps if stamps.get("interpreter") == self._identity() else {}

    def _identity(self) -> str:
        return f"{self.interpreter.version} {self.interpreter.program}"

    def is_current(self, key: str, fingerprint: str) -> bool:
        """Whether what `key` names was installed with this fingerprint."""
        return self._read().get(key) == fingerprint

    def mark(self, key: str, fingerprint: str) -> None:
        """Notes that what `key` names is now installed with this fingerprint."""
        self._stamp.write_text(json.dumps({**self._read(), key: fingerprint}, indent=1))

    def create(self) -> None:
        """Makes the environment where it is missing or was made by another interpreter."""
        if self._read() and self.python.exists():
            return
        system.require(system.python_pieces(self.interpreter))
        shutil.rmtree(self.directory, ignore_errors=True)
        run_quietly([self.interpreter.program, "-m", "venv", "--without-pip", self.directory])
        self._stamp.write_text(json.dumps({"interpreter": self._identity()}))

    def pip(self, *arguments: str | pathlib.Path) -> None:
        """Runs pip for the environment."""
        pip = _pip(self.interpreter)
        run_quietly([pip, "-m", "pip", "--python", self.python, *arguments])

    def install(self, *groups: str) -> Environment:
        """Installs dependency groups, in one run of pip, each if that was not done before.

        Only what is likely to be imported is compiled: pandas alone has more tests than code.
        """
        self.create()
        wanted = {group: requirements(group) for group in groups}
        prints = {
            group: hashlib.sha256("\n".join(lines).encode()).hexdigest()
            for group, lines in wanted.items()
        }
        new = [group for group in groups if not self.is_current(group, prints[group])]
        if new:
            with step(f"{self.directory.name}: installing {', '.join(new)}"):
                lines = sorted({line for group in new for line in wanted[group]})
                self.pip("install", "-q", "--no-compile", *lines)
                site = next(self.directory.glob("lib/python3.*/site-packages"))
                run([self.python, "-m", "compileall", "-qq", "-x", _LEFT_UNCOMPILED, site])
            for group in new:
                self.mark(group, prints[group])
        return self


_LEFT_UNCOMPILED = r"/(tests|testing|locale|lexers)/"
_making_pip = threading.Lock()


def _pip(interpreter: Interpreter) -> pathlib.Path:
    """The Python whose pip fills every environment, of any version; made with `interpreter`."""
    directory = ENVIRONMENTS / "pip"
    python, stamp = directory / "bin" / "python", directory / "installed"
    (wanted,) = requirements("pip")
    with _making_pip:
        if not (stamp.exists() and stamp.read_text() == wanted and python.exists()):
            with step(f"installing {wanted}"):
                run_quietly([interpreter.program, "-m", "venv", "--clear", directory])
                run_quietly([python, "-m", "pip", "install", "-q", "--no-compile", wanted])
            stamp.write_text(wanted)
    return python


def native_tools(interpreter: Interpreter) -> dict[str, str]:
    """Environment variables under which CMake and Ninja are found, and ccache serves every clone.

    The system's are taken when they are there and new enough, else PyPI's.
    """
    variables = {"PATH": os.environ.get("PATH", os.defpath)}
    if not (_cmake_is_new_enough() and shutil.which("ninja")):
        tools = Environment("native-tools", interpreter).install("native-tools")
        variables["PATH"] = f"{tools.directory / 'bin'}:{variables['PATH']}"
    if shutil.which("ccache"):
        # So that a clone elsewhere meets the same cache entries.
        variables["CCACHE_BASEDIR"] = str(ROOT)
        variables["CCACHE_NOHASHDIR"] = "1"
        if not os.access(pathlib.Path.home(), os.W_OK):
            variables["CCACHE_DIR"] = str(BUILD / "ccache")
    return variables


def _cmake_is_new_enough() -> bool:
    cmake = shutil.which("cmake")
    if not cmake:
        return False
    answer = subprocess.run(
        [cmake, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"(\d+)\.(\d+)", answer)
    return version is not None and (int(version[1]), int(version[2])) >= _OLDEST_CMAKE

"""The CPythons of this machine that the package supports, one of each minor version."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tools.house.layout import MINORS
from tools.house.process import Problem, environment, say

_PROBE = """
import json, os, platform, sys, sysconfig
flags = sysconfig.get_config_var
print(json.dumps({
    "minor": "%d.%d" % sys.version_info[:2],
    "version": "%d.%d.%d" % sys.version_info[:3],
    "cpython": platform.python_implementation() == "CPython",
    "plain": not (flags("Py_DEBUG") or flags("Py_GIL_DISABLED") or flags("Py_TRACE_REFS")),
    "headers": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
    "program": sys._base_executable,
    "release": sys.version_info.releaselevel,
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A CPython that wheels can be built for."""

    minor: str
    version: str
    program: pathlib.Path
    headers: bool


def _candidates() -> Iterator[pathlib.Path]:
    """Programs that may be interpreters, the one in use first."""
    in_use = pathlib.Path(sys._base_executable)  # type: ignore[attr-defined]
    yield in_use
    roots = {pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")}
    if in_use.parents[2].name == "versions":  # pyenv's, under another HOME
        roots.add(in_use.parents[3])
    for root in roots:
        yield from sorted(root.glob("versions/3.*/bin/python"), reverse=True)
    for name in ("python3", *(f"python{minor}" for minor in MINORS)):
        found = shutil.which(name)
        if found:
            yield pathlib.Path(found)


def _probe(program: pathlib.Path) -> Interpreter | None:
    try:
        done = subprocess.run(
            [str(program), "-I", "-c", _PROBE],
            env=environment(),
            capture_output=True,
            timeout=30,
            check=True,
        )
        facts = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if not (facts["cpython"] and facts["plain"] and facts["minor"] in MINORS):
        return None
    path = pathlib.Path(facts["program"] or program)
    return Interpreter(facts["minor"], facts["version"], path, facts["headers"])


def find() -> list[Interpreter]:
    """All that were found, the one in use first, the others by version.

    ``PYTHONS="3.11 3.13"`` in the environment chooses among them. One without its C headers is
    left out with a line that says so, unless it is the one in use.
    """
    found: dict[str, Interpreter] = {}
    for program in _candidates():
        interpreter = _probe(program)
        if interpreter is None:
            continue
        known = found.get(interpreter.minor)
        if known is None or (interpreter.headers and not known.headers):
            found[interpreter.minor] = interpreter
    wanted = os.environ.get("PYTHONS", "").split()
    missing = [minor for minor in wanted if minor not in found]
    if missing:
        raise Problem(f"PYTHONS asks for CPython {', '.join(missing)}, not found here.", 2)
    in_use = "{}.{}".format(*sys.version_info)
    chosen = sorted(
        (found[minor] for minor in wanted or found),
        key=lambda it: (it.minor != in_use, MINORS.index(it.minor)),
    )
    usable = [it for it in chosen if it.headers or it.minor == in_use]
    for interpreter in chosen:
        if interpreter not in usable:
            say(f"CPython {interpreter.version} is left out: its C headers are not installed.")
    if not usable:
        raise Problem(
            "No CPython 3.10 to 3.14 with its C headers was found: install python3-dev.", 2
        )
    return usable

"""The package as a wheel: built, and installed into an environment, only when something changed."""

from __future__ import annotations

import hashlib
import json
import pathlib
import shutil
from collections.abc import Mapping

from tools.house import web
from tools.house.environments import RUN_TIME, Environment
from tools.house.layout import BUILD, ROOT, WHEELHOUSE
from tools.house.process import run_quietly, step

# The build backend itself: what pip would call, without what differs from one pip to the next.
_BUILD_WHEEL = """
import json, sys
from scikit_build_core.build import build_wheel
build_wheel(sys.argv[1], json.loads(sys.argv[2]))
"""
_PARTS = ("CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE", "cmake", "python", "src")


def fingerprint(definitions: Mapping[str, str]) -> str:
    """Of everything a wheel is made from."""
    digest = hashlib.sha256(repr(sorted(definitions.items())).encode())
    for part in _PARTS:
        path = ROOT / part
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def built(environment: Environment) -> pathlib.Path:
    """The wheel that was built last for an environment."""
    (wheel,) = (WHEELHOUSE / environment.directory.name).glob("*.whl")
    return wheel


def build(
    environment: Environment, tools: Mapping[str, str], definitions: Mapping[str, str]
) -> pathlib.Path:
    """Builds the wheel of an environment's interpreter; its path."""
    name = environment.directory.name
    house = WHEELHOUSE / name
    shutil.rmtree(house, ignore_errors=True)
    environment.install("build")
    web.build(environment.interpreter)
    house.mkdir(parents=True)
    settings = {"build-dir": str(BUILD / "wheel" / name)}
    settings.update((f"cmake.define.{key}", value) for key, value in definitions.items())
    run_quietly([environment.python, "-c", _BUILD_WHEEL, house, json.dumps(settings)], extra=tools)
    return built(environment)


def install(
    environment: Environment,
    tools: Mapping[str, str],
    definitions: Mapping[str, str] | None = None,
) -> None:
    """Brings the environment's heapscope up to the tree."""
    definitions = definitions or {}
    environment.install("build", RUN_TIME)
    web.build(environment.interpreter)
    current = fingerprint(definitions)
    if environment.is_current("heapscope", current):
        return
    with step(f"{environment.directory.name}: building and installing the wheel"):
        made = build(environment, tools, definitions)
        environment.pip("install", "-q", "--no-deps", "--force-reinstall", made)
    environment.mark("heapscope", current)

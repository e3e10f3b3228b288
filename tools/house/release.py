"""``make wheels``: wheels that need nothing from the system, one tried in an empty environment."""

from __future__ import annotations

import pathlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence

from tools.house import wheel
from tools.house.environments import RUN_TIME, Environment
from tools.house.interpreters import Interpreter
from tools.house.layout import BUILD, ROOT, WHEELS
from tools.house.process import run_quietly, say, step


def _repair(environment: Environment, built: pathlib.Path) -> pathlib.Path:
    """The wheel with the system's libraries inside and the manylinux tag it earns."""
    output = BUILD / "repaired" / environment.interpreter.minor
    shutil.rmtree(output, ignore_errors=True)
    programs = environment.directory / "bin"
    run_quietly(
        [programs / "auditwheel", "repair", "--wheel-dir", output, built],
        extra={"PATH": f"{programs}:/usr/bin:/bin"},
    )
    (repaired,) = output.glob("*.whl")
    return pathlib.Path(shutil.copy(repaired, WHEELS))


def _try(interpreter: Interpreter, repaired: pathlib.Path) -> None:
    """Installs the wheel into an empty environment and records a small program with it."""
    environment = Environment("wheel-trial", interpreter)
    shutil.rmtree(environment.directory, ignore_errors=True)
    environment.install(RUN_TIME)
    environment.pip("install", "-q", "--no-index", "--no-deps", repaired)
    heapscope = environment.directory / "bin" / "heapscope"
    with tempfile.TemporaryDirectory() as directory:
        capture = pathlib.Path(directory, "trial.hscope")
        script = "kept = [bytearray(1 << 20) for _ in range(8)]"
        here = pathlib.Path(directory)
        run_quietly([heapscope, "run", "-o", capture, "-c", script], directory=here)
        run_quietly([heapscope, "summary", capture], directory=here)


def wheels(interpreters: Sequence[Interpreter], tools: Mapping[str, str]) -> int:
    """Builds, repairs and (the first) tries one wheel for each interpreter."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    WHEELS.mkdir()
    repaired = []
    for interpreter in interpreters:
        environment = Environment(interpreter.minor, interpreter).install("build", "wheels")
        with step(f"{interpreter.minor}: building and repairing"):
            repaired.append(_repair(environment, wheel.build(environment, tools, {})))
    with step(f"trying {repaired[0].name} in an empty environment"):
        _try(interpreters[0], repaired[0])
    for path in repaired:
        say(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1024:.0f} KiB")
    return 0

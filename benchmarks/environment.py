"""The bench environment: a virtual environment under build/ with the peers and this tree."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parent
REQUIREMENTS = HERE / "requirements.txt"
WORKLOADS = HERE / "workloads"
PEERS = ("heapscope", "memray", "scalene", "filprofiler")
PACKAGES = (*PEERS, "numpy", "pandas", "Django", "Pygments")


def programs(python: str, *, install: bool = True) -> Path:
    """Directory of the programs of the bench environment for `python`, made where it is missing.

    Parameters
    ----------
    python : str
        The interpreter that runs the workloads.
    install : bool
        Build this tree and install it; otherwise what is installed is measured.
    """
    version = _output(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    home = TREE / "build" / "venv" / "bench" / version
    if not (home / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin" / "pip"), "--disable-pip-version-check", "install", "-q"]
    installed = home / "requirements.installed"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
        installed.write_text(wanted, encoding="utf-8")
    if install:
        subprocess.run([*pip, "--force-reinstall", "--no-deps", str(TREE)], check=True)
        subprocess.run([*pip, str(TREE)], check=True)  # what it depends on, where that is missing
    return home / "bin"


def debug_package(programs: Path, *, install: bool = True) -> Path:
    """Directory with this tree's package as released but with debug information; for PYTHONPATH.

    The environment's own ``.pth`` file starts whichever package comes first on the path.
    """
    package = programs.parent.with_name(programs.parent.name + "-debug")
    if install or not package.exists():
        pip = [str(programs / "pip"), "--disable-pip-version-check", "install", "-q"]
        settings = ["-Cinstall.strip=false", "-Cbuild-dir=build/wheel-debug/{wheel_tag}"]
        target = ["--upgrade", "--no-deps", "--target", str(package)]
        variables = {**os.environ, "CXXFLAGS": "-g"}
        subprocess.run([*pip, *settings, *target, str(TREE)], check=True, env=variables)
    return package


def clean_variables(**more: str) -> dict[str, str]:
    """The environment of a measured program: none of Python's or heapscope's variables."""
    prefixes = ("PYTHON", "HEAPSCOPE_", "BENCH_", "MALLOC_", "LD_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}
    return {**kept, "PYTHONHASHSEED": "0", "NO_COLOR": "1", **more}


def describe(directory: Path) -> dict[str, object]:
    """What the numbers depend on: machine, kernel, interpreter, versions of the tools."""
    python = str(directory / "python")
    questions = (
        "import platform, sysconfig, importlib.metadata as m\n"
        "print(platform.python_version())\n"
        "print('PGO' if '--enable-optimizations' in (sysconfig.get_config_var('CONFIG_ARGS') or '')"
        " else 'no PGO')\n"
        f"for name in {PACKAGES!r}:\n"
        "    try: print(name, m.version(name))\n"
        "    except m.PackageNotFoundError: pass\n"
    )
    version, build, *packages = _output(python, "-c", questions).splitlines()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": f"CPython {version}, {build}",
        "versions": dict(package.split(" ") for package in packages),
        "load": os.getloadavg()[0],
    }


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _output(*command: str) -> str:
    result = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=clean_variables()
    )
    return result.stdout.strip()


if __name__ == "__main__":
    print(programs(sys.executable))

"""C libraries for the tests of native tracking: built by `cc`, called through ctypes."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from typing import Any

from heapscope import Capture

SOURCES = Path(__file__).parent / "native_helpers"
TYPES: dict[str, Any] = {"size_t": ctypes.c_size_t, "int": ctypes.c_int, "void*": ctypes.c_void_p}


def build(directory: Path, name: str, *flags: str, source: str | None = None) -> Path:
    """Compile ``native_helpers/SOURCE`` (a C file when it does not say) to a library."""
    directory.mkdir(parents=True, exist_ok=True)
    library = directory / f"libheapscope_{name}.so"
    file = SOURCES / (source or name)
    cpp = file.suffix == ".cpp"
    compiler = os.environ.get("CXX", "c++") if cpp else os.environ.get("CC", "cc")
    # -fno-builtin: the compiler must not drop a malloc whose block is freed at once.
    command = [compiler, "-O1", "-fno-builtin", "-fPIC", "-shared", "-pthread"]
    files = ["-o", str(library), str(file if cpp else file.with_suffix(".c"))]
    subprocess.run([*command, *files, *flags, "-ldl"], check=True)
    return library


def of_function(
    capture: Capture, function: str, *, domain: str = "malloc", metric: str = "live"
) -> tuple[int, int]:
    """Bytes and blocks that the frames of a function hold of a domain."""
    names = {
        "live": ("live_bytes", "live_blocks"),
        "peak": ("peak_bytes", "peak_blocks"),
        "allocated": ("allocated_bytes", "allocations"),
    }[metric]
    sites = [
        site
        for site in capture.sites(metric=metric)
        if site.domain == domain and any(frame.function == function for frame in site.stack)
    ]
    return sum(getattr(site, names[0]) for site in sites), sum(
        getattr(site, names[1]) for site in sites
    )


def declared(
    library: ctypes.CDLL, name: str, result: str, *arguments: str
) -> ctypes._NamedFuncPointer:
    """Give a function of a library its C types."""
    function: ctypes._NamedFuncPointer = getattr(library, name)
    function.restype = TYPES.get(result)
    function.argtypes = [TYPES.get(argument, ctypes.c_char_p) for argument in arguments]
    return function

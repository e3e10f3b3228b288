"""Another malloc in the place of libc's: every block counted once and given back to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import native_libraries
import pytest

pytestmark = pytest.mark.one_version

PROGRAM = """
import ctypes, json, sys
import heapscope
from native_libraries import declared, of_function

library = ctypes.CDLL(sys.argv[1])
allocate = declared(library, "by_malloc", "void*", "size_t")
clear = declared(library, "by_calloc", "void*", "size_t", "size_t")
grow = declared(library, "by_realloc", "void*", "void*", "size_t")
align = declared(library, "by_posix_memalign", "void*", "size_t", "size_t")
copy = declared(library, "by_strdup", "void*", "char*")
release = declared(library, "by_free", "", "void*")
operators = ctypes.CDLL(sys.argv[2])
new = declared(operators, "by_new", "void*")
new_array = declared(operators, "by_new_array", "void*", "size_t")
new_nothrow = declared(operators, "by_new_nothrow", "void*", "size_t")
new_aligned = declared(operators, "by_new_aligned", "void*")
delete = declared(operators, "by_delete", "", "void*")
delete_array = declared(operators, "by_delete_array", "", "void*")
delete_aligned = declared(operators, "by_delete_aligned", "", "void*")
is_told_of_failure = declared(operators, "is_told_of_failure", "int", "size_t")

def small(): return [allocate(8) for _ in range(4096)]
def kept(): return allocate(98_821)
def cleared(): return clear(1000, 77)
def grown(): return grow(allocate(10), 500_000)
def aligned(): return align(4096, 5000)
def copied(): return copy(b"x" * 9999)
def made(): return new(), new_array(5000), new_nothrow(6000), new_aligned()
def unmade(): return new(), new_array(5000), new_nothrow(6000), new_aligned()
def python(): return [bytearray(1000) for _ in range(100)]

early = allocate(100)
with heapscope.track("preload.hscope"):
    blocks = small()
    for block in blocks[::2]: release(block)
    others = [kept(), cleared(), grown(), aligned(), copied()]
    objects = python()
    assert is_told_of_failure(1 << 62) == 1
    objects_of_cpp, others_of_cpp = made(), unmade()
    delete(others_of_cpp[0])
    delete_array(others_of_cpp[1])
    delete_array(others_of_cpp[2])
    delete_aligned(others_of_cpp[3])
    release(early)
for block in blocks[1::2] + others: release(block)

capture = heapscope.Capture("preload.hscope")
names = ["small", "kept", "cleared", "grown", "aligned", "copied", "made", "unmade"]
found = {name: of_function(capture, name) for name in names}
mapped = sum(site.live_bytes for site in capture.sites() if site.domain == "mmap")
tracker = capture.summary()["tracker"]
domains = ("object", "mem", "raw")
python = sum(of_function(capture, "python", domain=domain)[0] for domain in domains)
print(json.dumps({
    "found": found, "mapped": mapped, "lost": tracker["events_lost"], "python": python,
    "low": of_function(capture, "python")[0],
}))
"""

SYSTEM_LIBRARIES = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4"}


def is_loadable(library: str) -> bool:
    loading = subprocess.run(
        [sys.executable, "-c", ""],
        env={**os.environ, "LD_PRELOAD": library},
        capture_output=True,
        check=True,
    )
    return loading.stderr == b""


@pytest.mark.parametrize("python_malloc", ["pymalloc", "malloc", "debug"])
@pytest.mark.parametrize("allocator", ["packed", "jemalloc", "tcmalloc"])
def test_a_preloaded_malloc_is_tracked_to_the_byte(
    tmp_path: Path, allocator: str, python_malloc: str
) -> None:
    if allocator == "packed":
        preload = str(native_libraries.build(tmp_path, "packed", source="packed_malloc"))
    else:
        preload = SYSTEM_LIBRARIES[allocator]
        if not is_loadable(preload):
            pytest.skip(f"install {preload} (Debian: libjemalloc2, libtcmalloc-minimal4)")
    library = native_libraries.build(tmp_path, "allocations")
    operators = native_libraries.build(tmp_path, "operators", source="operators.cpp")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, library, operators],
        cwd=tmp_path,
        env={
            **os.environ,
            "LD_PRELOAD": preload,
            "PYTHONMALLOC": python_malloc,
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
            ),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    report: dict[str, Any] = json.loads(ended.stdout)
    assert report["found"] == {
        "small": [2048 * 8, 2048],
        "kept": [98_821, 1],
        "cleared": [77_000, 1],
        "grown": [500_000, 1],
        "aligned": [5000, 1],
        "copied": [10_000, 1],
        "made": [98_821 + 5000 + 6000 + 256, 4],
        "unmade": [0, 0],
    }
    assert report["lost"] == 0
    # The allocator's own memory is no block of the program, and Python's keep their domains.
    assert report["mapped"] == 0
    assert report["low"] == 0
    assert 100 * 1000 <= report["python"] <= 100 * 1200

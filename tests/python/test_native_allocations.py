"""The malloc family and mappings, called from C: to the byte, where they were called."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import native_libraries
import pytest
from native_libraries import of_function

import heapscope
from heapscope import Capture

PAGE = mmap.PAGESIZE
NONE, READ, WRITE = 0, 1, 2  # PROT_*
NORESERVE = 0x4000  # MAP_NORESERVE

SIGNATURES = {
    "by_malloc": ("void*", "size_t"),
    "by_calloc": ("void*", "size_t", "size_t"),
    "by_realloc": ("void*", "void*", "size_t"),
    "by_reallocarray": ("void*", "void*", "size_t", "size_t"),
    "by_aligned_alloc": ("void*", "size_t", "size_t"),
    "by_memalign": ("void*", "size_t", "size_t"),
    "by_valloc": ("void*", "size_t"),
    "by_pvalloc": ("void*", "size_t"),
    "by_posix_memalign": ("void*", "size_t", "size_t"),
    "by_strdup": ("void*", "char*"),
    "by_free": ("", "void*"),
    "error_of_malloc": ("int", "size_t"),
    "by_malloc_in_a_thread": ("void*", "size_t"),
    "by_free_in_a_thread": ("", "void*"),
    "by_mmap": ("void*", "size_t", "int", "int"),
    "by_munmap": ("int", "void*", "size_t"),
    "by_mprotect": ("int", "void*", "size_t", "int"),
    "by_mremap": ("void*", "void*", "size_t", "size_t"),
    "touch": ("", "void*", "size_t"),
}


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = ctypes.CDLL(str(native_libraries.build(tmp_path_factory.mktemp("c"), "allocations")))
    for name, (result, *arguments) in SIGNATURES.items():
        native_libraries.declared(library, name, result, *arguments)
    return library


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "native.hscope"
    assert not heapscope.is_tracing()


# Each in a function of its own, whose bytes are then told apart from all others.
def first(call: Callable[..., Any], *arguments: Any) -> Any:
    return call(*arguments)


def second(call: Callable[..., Any], *arguments: Any) -> Any:
    return call(*arguments)


def third(call: Callable[..., Any], *arguments: Any) -> Any:
    return call(*arguments)


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        ("by_malloc", (98_821,), 98_821),
        ("by_malloc", (1,), 1),
        ("by_malloc", (0,), 0),
        ("by_calloc", (1000, 77), 77_000),
        ("by_realloc", (None, 4321), 4321),
        ("by_reallocarray", (None, 10, 4321), 43_210),
        ("by_aligned_alloc", (64, 6400), 6400),
        ("by_memalign", (4096, 5000), 5000),
        ("by_valloc", (5001,), 5001),
        ("by_pvalloc", (5002,), 5002),
        ("by_posix_memalign", (256, 5003), 5003),
        ("by_strdup", (b"x" * 9999,), 10_000),
        ("by_malloc_in_a_thread", (0,), 0),
    ],
)
def test_a_block_counts_what_was_asked_for(
    c: ctypes.CDLL, path: Path, function: str, arguments: tuple[Any, ...], expected: int
) -> None:
    call = getattr(c, function)
    with heapscope.track(path):
        block = first(call, *arguments)
    c.by_free(block)
    if function != "by_malloc_in_a_thread":
        assert of_function(Capture(path), "first") == (expected, 1)


def test_a_thread_that_python_never_saw_is_tracked_too(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        block = c.by_malloc_in_a_thread(98_821)
    c.by_free(block)
    without_stack = [
        site for site in Capture(path).sites("live") if not site.stack and site.domain == "malloc"
    ]
    assert sum(site.live_bytes for site in without_stack if site.live_bytes == 98_821) == 98_821


def test_a_block_freed_by_another_thread_is_freed(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        block = first(c.by_malloc, 98_821)
        c.by_free_in_a_thread(block)
    capture = Capture(path)
    assert of_function(capture, "first") == (0, 0)
    assert of_function(capture, "first", metric="allocated") == (98_821, 1)


def test_a_grown_block_belongs_to_the_function_that_grew_it(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        block = first(c.by_malloc, 100)
        block = second(c.by_realloc, block, 1_000_000)
        block = third(c.by_reallocarray, block, 3, 1_000_000)
    c.by_free(block)
    capture = Capture(path)
    assert of_function(capture, "first") == (0, 0)
    assert of_function(capture, "second") == (0, 0)
    assert of_function(capture, "third") == (3_000_000, 1)


def test_a_failed_realloc_leaves_the_block_and_its_figures(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        block = first(c.by_malloc, 1000)
        assert second(c.by_realloc, block, 1 << 62) is None
        assert third(c.by_reallocarray, block, 1 << 62, 8) is None
    c.by_free(block)
    capture = Capture(path)
    assert of_function(capture, "first") == (1000, 1)
    assert of_function(capture, "second", metric="allocated") == (0, 0)
    assert of_function(capture, "third", metric="allocated") == (0, 0)


def test_a_realloc_to_nothing_frees(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        block = first(c.by_malloc, 1000)
        assert second(c.by_realloc, block, 0) is None
    assert of_function(Capture(path), "first") == (0, 0)


def test_a_failed_allocation_keeps_errno_and_counts_nothing(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        assert first(c.error_of_malloc, 1 << 62) == errno.ENOMEM
        with pytest.raises(MemoryError):
            second(bytearray, 1 << 60)
    capture = Capture(path)
    assert of_function(capture, "first", metric="allocated") == (0, 0)


def test_blocks_born_before_are_freed_without_a_trace(c: ctypes.CDLL, path: Path) -> None:
    block = c.by_malloc(1000)
    with heapscope.track(path):
        grown = first(c.by_realloc, block, 2000)
    c.by_free(grown)
    capture = Capture(path)
    assert of_function(capture, "first") == (2000, 1)
    assert capture.summary()["tracker"]["events_lost"] == 0


def test_blocks_survive_the_stop_and_can_be_freed(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        blocks = [c.by_malloc(size) for size in range(1, 2000)]
    for index, block in enumerate(blocks):
        c.by_free(c.by_realloc(block, 10 * index + 1))


def test_pointers_to_hooks_work_after_the_stop_and_track_again(path: Path) -> None:
    with heapscope.track(path):
        libc = ctypes.CDLL(None)
        malloc = native_libraries.declared(libc, "malloc", "void*", "size_t")
        free = native_libraries.declared(libc, "free", "", "void*")
        block = first(malloc, 98_821)
    assert of_function(Capture(path), "first") == (98_821, 1)
    free(block)
    free(malloc(10))
    again = path.with_suffix(".again.hscope")
    with heapscope.track(again):
        block = first(malloc, 5)
    free(block)
    assert of_function(Capture(again), "first") == (5, 1)


# ---- mappings


def mapped(path: Path, function: str) -> tuple[int, int]:
    return of_function(Capture(path), function, domain="mmap")


def test_a_partly_unmapped_mapping_counts_what_is_left(c: ctypes.CDLL, path: Path) -> None:
    megabyte = 250 * PAGE
    with heapscope.track(path):
        start = first(c.by_mmap, 100 * megabyte, READ | WRITE, 0)
        assert c.by_munmap(start, 50 * megabyte) == 0
        assert c.by_munmap(start + 75 * megabyte, 25 * megabyte) == 0
    c.by_munmap(start + 50 * megabyte, 25 * megabyte)
    assert mapped(path, "first") == (25 * megabyte, 1)
    assert of_function(Capture(path), "first", domain="mmap", metric="peak")[0] == 100 * megabyte


@pytest.mark.parametrize("size", [1 << 30, 3 << 30])
@pytest.mark.parametrize(("protection", "flags"), [(NONE, 0), (READ | WRITE, NORESERVE)])
def test_a_reservation_is_not_used(
    c: ctypes.CDLL, path: Path, size: int, protection: int, flags: int
) -> None:
    with heapscope.track(path):
        start = first(c.by_mmap, size, protection, flags)
    assert start is not None
    c.by_munmap(start, size)
    capture = Capture(path)
    assert of_function(capture, "first", domain="mmap", metric="peak") == (0, 0)
    assert capture.peak_bytes < 1 << 28
    assert capture.timeline["mapped_reserved_bytes"][-1] == size


def test_a_reservation_counts_where_it_is_made_usable(c: ctypes.CDLL, path: Path) -> None:
    size = 1 << 30
    with heapscope.track(path):
        start = first(c.by_mmap, size, NONE, NORESERVE)
        second(c.by_mprotect, start, 100 * PAGE, READ | WRITE)
        third(c.by_mprotect, start, 10 * PAGE, NONE)
    c.by_munmap(start, size)
    assert mapped(path, "first") == (0, 0)
    assert mapped(path, "second") == (90 * PAGE, 1)
    assert mapped(path, "third") == (0, 0)


def test_use_of_a_lazy_mapping_is_sampled(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        start = c.by_mmap(1 << 30, READ | WRITE, NORESERVE)
        c.touch(start, 64 << 20)
    c.by_munmap(start, 1 << 30)
    used = Capture(path).timeline["reserved_used_bytes"][-1]
    # Huge pages may round it up, an estimate may miss some of it.
    assert 16 << 20 <= used <= 256 << 20


def test_a_resized_mapping_belongs_to_the_function_that_resized_it(
    c: ctypes.CDLL, path: Path
) -> None:
    with heapscope.track(path):
        start = first(c.by_mmap, 50 * PAGE, READ | WRITE, 0)
        start = second(c.by_mremap, start, 50 * PAGE, 200 * PAGE)
    c.by_munmap(start, 200 * PAGE)
    assert mapped(path, "first") == (0, 0)
    assert mapped(path, "second") == (200 * PAGE, 1)


def test_pythons_own_mmap_is_followed_through_resize_and_close(path: Path) -> None:
    with heapscope.track(path):
        kept = first(mmap.mmap, -1, 50 << 20)
        second(kept.resize, 200 << 20)
        closed = third(mmap.mmap, -1, 10 << 20)
        closed.close()
    kept.close()
    assert mapped(path, "first") == (0, 0)
    assert mapped(path, "second") == (200 << 20, 1)
    assert mapped(path, "third") == (0, 0)


def test_a_file_is_no_heap(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_bytes(bytes(30 << 20))
    with heapscope.track(path), open(file, "rb") as opened:
        view = first(mmap.mmap, opened.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
    view.close()
    assert mapped(path, "first") == (0, 0)
    assert Capture(path).timeline["mapped_file_bytes"][-1] == 30 << 20


# ---- ends


def test_destructors_of_threads_and_libraries_allocate_in_peace(tmp_path: Path) -> None:
    library = native_libraries.build(tmp_path, "exits")
    code = (
        "import ctypes, heapscope\n"
        "heapscope.start('exit.hscope')\n"
        f"library = ctypes.CDLL({str(library)!r})\n"
        "assert library.run_threads(50) == 50\n"
    )
    for end in ("", "heapscope.stop()\n", "import os; os.fork() or os._exit(0); os.wait()\n"):
        (tmp_path / "exit.hscope").unlink(missing_ok=True)
        ended = subprocess.run(
            [sys.executable, "-c", code + end],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "destructor ran\n", "")


def test_a_child_made_by_fork_allocates_unrecorded(c: ctypes.CDLL, path: Path) -> None:
    with heapscope.track(path):
        block = first(c.by_malloc, 1000)
        child = os.fork()
        if child == 0:
            inherited = c.by_realloc(block, 5000)
            mapping = c.by_mmap(1 << 20, READ | WRITE, 0)
            c.touch(mapping, 1 << 20)
            c.by_munmap(mapping, 1 << 20)
            c.by_free(inherited)
            c.by_free(second(c.by_malloc_in_a_thread, 77))
            os._exit(0)
        _, status = os.waitpid(child, 0)
    c.by_free(block)
    assert status == 0
    capture = Capture(path)
    assert of_function(capture, "first") == (1000, 1)
    assert of_function(capture, "second", metric="allocated") == (0, 0)

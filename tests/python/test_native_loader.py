"""Opening libraries and looking up functions: the same answers tracked and untracked."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import native_libraries
import pytest
from native_libraries import declared, of_function

import heapscope
from heapscope import Capture


def first(call: Callable[..., Any], *arguments: Any) -> Any:
    return call(*arguments)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "loader.hscope"
    if heapscope.is_tracing():  # one failure is enough
        heapscope.stop()


def test_a_library_opened_while_tracking_is_tracked_from_its_first_call(
    path: Path, tmp_path: Path
) -> None:
    file = native_libraries.build(tmp_path, "late", source="allocations")
    with heapscope.track(path):
        library = ctypes.CDLL(str(file))
        allocate = declared(library, "by_malloc", "void*", "size_t")
        block = first(allocate, 98_821)
    declared(library, "by_free", "", "void*")(block)
    assert of_function(Capture(path), "first") == (98_821, 1)


def test_a_failed_open_before_does_not_hide_the_next_library(path: Path, tmp_path: Path) -> None:
    file = native_libraries.build(tmp_path, "late", source="allocations")
    with heapscope.track(path):
        with pytest.raises(OSError, match="no such library"):
            ctypes.CDLL("/no such library.so")
        library = ctypes.CDLL(str(file))
        with pytest.raises(AttributeError, match="no_such_function"):
            library.no_such_function
        block = first(declared(library, "by_malloc", "void*", "size_t"), 98_821)
    declared(library, "by_free", "", "void*")(block)
    assert of_function(Capture(path), "first") == (98_821, 1)


@pytest.mark.parametrize("mode", [os.RTLD_NOW, os.RTLD_LAZY], ids=["now", "lazy"])
def test_a_library_in_its_own_scope_is_tracked_when_its_malloc_is_the_process_one(
    path: Path, tmp_path: Path, mode: int
) -> None:
    file = native_libraries.build(tmp_path, "deep", source="allocations")
    with heapscope.track(path):
        library = ctypes.CDLL(str(file), mode=mode | os.RTLD_DEEPBIND)
        block = first(declared(library, "by_malloc", "void*", "size_t"), 98_821)
        declared(library, "by_free", "", "void*")(block)
    assert of_function(Capture(path), "first", metric="allocated") == (98_821, 1)
    assert of_function(Capture(path), "first") == (0, 0)


def private_pair(directory: Path, name: str, mode: int) -> tuple[Path, Path]:
    """An allocator and a library that needs it, named so that the loader meets each once."""
    allocator = native_libraries.build(directory, f"{name}_malloc", source="private_malloc")
    user = native_libraries.build(
        directory,
        f"{name}_user",
        "-Wl,--no-as-needed",
        f"-L{directory}",
        f"-lheapscope_{name}_malloc",
        f"-Wl,-rpath,{directory}",
        "-Wl,-z,now" if mode == os.RTLD_NOW else "-Wl,-z,lazy",
        source="private_user",
    )
    return allocator, user


@pytest.mark.parametrize("mode", [os.RTLD_NOW, os.RTLD_LAZY], ids=["now", "lazy"])
@pytest.mark.parametrize("opened", ["before", "while"])
def test_a_library_with_a_malloc_of_its_own_keeps_it(
    path: Path, tmp_path: Path, mode: int, opened: str
) -> None:
    allocator, user = private_pair(tmp_path, f"{opened}_{mode}", mode)
    if opened == "while":
        heapscope.start(path)
    library = ctypes.CDLL(str(user), mode=mode | os.RTLD_DEEPBIND)
    private = ctypes.CDLL(str(allocator))
    use = declared(library, "use", "void*", "size_t")
    give_back = declared(library, "give_back", "", "void*")
    is_private = declared(private, "is_private", "int", "void*")
    private_frees = declared(private, "private_frees", "size_t")
    if opened == "before":
        heapscope.start(path)
    frees = private_frees()
    block = first(use, 100)
    assert is_private(block)
    give_back(block)
    assert private_frees() == frees + 1
    heapscope.stop()
    assert of_function(Capture(path), "first", metric="allocated") == (0, 0)


def test_slots_of_another_allocator_are_reported(path: Path, tmp_path: Path) -> None:
    _, user = private_pair(tmp_path, "reported", os.RTLD_NOW)
    ctypes.CDLL(str(user), mode=os.RTLD_NOW | os.RTLD_DEEPBIND)
    with heapscope.track(path):
        pass
    assert Capture(path).summary()["tracker"]["skipped_slots"] >= 2


def test_a_sibling_by_its_bare_name_is_found_by_the_callers_runpath(
    path: Path, tmp_path: Path
) -> None:
    native_libraries.build(tmp_path / "beside", "sibling")
    file = native_libraries.build(
        tmp_path, "runpath", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/beside", source="lookups"
    )
    library = ctypes.CDLL(str(file))
    with heapscope.track(path):
        assert library.answer_of_sibling() == 4321


def test_lookups_answer_as_they_do_untracked(path: Path, tmp_path: Path) -> None:
    library = ctypes.CDLL(str(native_libraries.build(tmp_path, "lookups")))
    next_of = declared(library, "next_of", "void*", "char*")
    default_of = declared(library, "default_of", "void*", "char*")
    version_of = declared(library, "version_of", "void*", "char*", "char*")

    def answers() -> list[int | None]:
        return [
            next_of(b"strlen"),
            next_of(b"malloc"),
            next_of(b"no_such_function"),
            default_of(b"only_in_this_library"),  # the library was opened without RTLD_GLOBAL
            default_of(b"getppid"),
            default_of(b"no_such_function"),
            version_of(b"getppid", b"GLIBC_2.2.5"),
            version_of(b"malloc", b"GLIBC_2.2.5"),
        ]

    untracked, found = answers(), default_of(b"malloc")
    with heapscope.track(path):
        tracked, hook = answers(), default_of(b"malloc")
    assert tracked == untracked == answers()
    assert untracked[3] is not None
    assert hook != found == default_of(b"malloc")


def test_the_message_of_a_failed_open_is_the_loaders(path: Path) -> None:
    def message() -> str:
        with pytest.raises(OSError) as raised:
            ctypes.CDLL("libheapscope_does_not_exist.so")
        return str(raised.value)

    untracked = message()
    with heapscope.track(path):
        assert message() == untracked


def protections() -> dict[str, list[str]]:
    """Protections of the parts of each mapped library, in the order of their addresses."""
    found: dict[str, list[str]] = {}
    with open("/proc/self/maps") as maps:
        for line in maps:
            fields = line.split()
            if len(fields) == 6 and re.search(r"\.so|python", fields[5]):
                found.setdefault(fields[5], []).append(f"{fields[0]} {fields[1]}")
    return found


def test_pages_that_were_read_only_are_so_again(path: Path) -> None:
    before = protections()
    with heapscope.track(path):
        while_tracking = protections()
    after = protections()
    # Those of heapscope itself may be opened between.
    libraries = {name for name in before if "heapscope" not in name}
    assert any("libc.so" in name for name in libraries)
    for name in libraries:
        assert before[name] == while_tracking[name] == after[name], name


def test_ten_starts_and_stops_leave_the_tables_as_they_were(path: Path, tmp_path: Path) -> None:
    library = ctypes.CDLL(str(native_libraries.build(tmp_path, "again", source="allocations")))
    allocate = declared(library, "by_malloc", "void*", "size_t")
    release = declared(library, "by_free", "", "void*")
    for number in range(10):
        output = path.with_suffix(f".{number}.hscope")
        with heapscope.track(output):
            block = first(allocate, 1000 + number)
        release(block)
        assert of_function(Capture(output), "first") == (1000 + number, 1)
        release(allocate(5))


def test_importing_an_extension_while_tracking_tracks_it(path: Path) -> None:
    assert "_lzma" not in sys.modules or sys.modules.pop("_lzma")
    sys.modules.pop("lzma", None)
    with heapscope.track(path):
        import lzma

        compressor = first(lzma.LZMACompressor)
    del compressor
    assert (
        sum(
            of_function(Capture(path), "first", metric="allocated", domain=domain)[0]
            for domain in ("raw", "malloc")
        )
        > 1_000_000
    )


FIXED_PROGRAM = """
import ctypes, sys
import heapscope
from native_libraries import declared, of_function

address = ctypes.cast(ctypes.CDLL(None).malloc, ctypes.c_void_p).value
assert address < 1 << 32, "the program has no stub for malloc"

def kept(): return allocate(98_821)

with heapscope.track("fixed.hscope"):
    allocate = declared(ctypes.CDLL(sys.argv[1]), "by_malloc", "void*", "size_t")
    kept()
capture = heapscope.Capture("fixed.hscope")
assert of_function(capture, "kept") == (98_821, 1), of_function(capture, "kept")
assert capture.summary()["tracker"]["skipped_slots"] == 0
"""


def test_a_program_with_a_stub_for_malloc_is_tracked_like_others(tmp_path: Path) -> None:
    libraries = sysconfig.get_config_var("LIBDIR")
    name = f"python{sysconfig.get_config_var('LDVERSION')}"
    if not list(Path(libraries).glob(f"lib{name}.so*")):
        pytest.skip("this Python is not built as a shared library")
    program = tmp_path / "fixed_program"
    source = native_libraries.SOURCES / "fixed_program.c"
    compile_it = ["cc", "-O1", "-no-pie", "-fno-pic", "-o", str(program), str(source)]
    link_it = [f"-L{libraries}", f"-l{name}", f"-Wl,-rpath,{libraries}"]
    subprocess.run([*compile_it, *link_it], check=True)
    library = native_libraries.build(tmp_path, "allocations")
    modules = [Path(__file__).parent, Path(heapscope.__file__).parent.parent]
    ended = subprocess.run(
        [program, "-c", FIXED_PROGRAM, library],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONHOME": sys.base_prefix,
            "PYTHONPATH": os.pathsep.join(str(module) for module in modules),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")

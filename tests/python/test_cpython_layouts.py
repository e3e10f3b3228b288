"""Frames, code objects and arenas as src/cpython reads them, against what CPython says of them."""

from __future__ import annotations

import gc
import importlib.machinery
import importlib.util
import json
import os
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
import threading
import tracemalloc
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from cpython_situations import SITUATIONS, Probe

ROOT = Path(__file__).resolve().parents[2]
Line = tuple[CodeType, int, "int | None"]


@pytest.fixture(scope="session")
def module_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds the test's own window into src/cpython for the interpreter that runs the tests."""
    compiler = shlex.split(os.environ.get("CXX", "")) or [shutil.which("g++") or "c++"]
    path = tmp_path_factory.mktemp("layouts") / "layouts_module.so"
    includes = {sysconfig.get_path("include"), sysconfig.get_path("platinclude")}
    command = [
        *compiler,
        *["-std=c++20", "-O2", "-fPIC", "-shared", "-fvisibility=hidden"],
        *["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"],
        f"-I{ROOT / 'src'}",
        *(argument for directory in sorted(includes) for argument in ("-isystem", directory)),
        str(ROOT / "tests/cpp/cpython/layouts_module.cpp"),
        *map(str, sorted((ROOT / "src/cpython").glob("*.cpp"))),
        "-o",
        str(path),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return path


@pytest.fixture(scope="session")
def layouts(module_path: Path) -> Any:
    """The built module, with its self-check passed."""
    loader = importlib.machinery.ExtensionFileLoader("layouts_module", str(module_path))
    spec = importlib.util.spec_from_file_location("layouts_module", module_path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    assert module.self_check() is None
    return module


def line_of(code: CodeType, offset: int) -> int | None:
    """The line of a byte offset, from co_lines() and, where there is one, co_positions()."""
    if offset < 0:
        return code.co_firstlineno
    found = [line for start, end, line in code.co_lines() if start <= offset < end]
    assert len(found) == 1
    if sys.version_info >= (3, 11):
        assert list(code.co_positions())[offset // 2][0] == found[0]
    return found[0]


def chain(frame: FrameType | None) -> list[Line]:
    """What CPython says of a frame and its callers."""
    lines: list[Line] = []
    while frame is not None:
        lines.append((frame.f_code, frame.f_lasti, frame.f_lineno))
        frame = frame.f_back
    return lines


class Comparer:
    """A probe: each call compares our walk of its caller's stack with sys._getframe()'s."""

    def __init__(self, layouts: Any) -> None:
        self.walk = layouts.walk
        self.calls = 0
        self.differences: list[tuple[list[Line], list[Line]]] = []

    def __call__(self) -> int:
        levels = self.walk()
        expected = chain(sys._getframe(1))
        walked = [(code, offset, line_of(code, offset)) for code, offset, begun in levels[1:]]
        self.calls += 1
        if walked != expected or not all(begun for _, _, begun in levels):
            self.differences.append((walked, expected))
        return self.calls


# --- frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_a_walk_is_the_chain_of_frames_in(situation: Callable[[Probe], None], layouts: Any) -> None:
    probe = Comparer(layouts)
    situation(probe)
    assert probe.calls > 0
    assert probe.differences == []


def test_every_allocation_has_the_stack_that_tracemalloc_saw(layouts: Any) -> None:
    def probe() -> Any:
        return len([bytearray(20), (1.5,) * 3, {}.copy()])

    gc.disable()  # tracemalloc is asked inside the allocator
    tracemalloc.start(1000)
    layouts.start_comparison()
    try:
        for situation in SITUATIONS:
            situation(probe)
    finally:
        report = layouts.stop_comparison()
        tracemalloc.stop()
        gc.enable()
    assert report["difference"] == ""
    assert report["stacks"] > 500
    assert report["allocations"] > report["stacks"]
    if sys.version_info >= (3, 11):
        assert report["not_begun"] > 0  # cells and generators are made before a frame begins
    if (3, 11) <= sys.version_info < (3, 13):
        assert report["at_no_instruction"] > 0  # a RecursionError is made before the first one


def test_the_end_of_a_code_object_is_a_free_of_its_address(layouts: Any) -> None:
    gc.disable()
    tracemalloc.start(50)
    layouts.start_comparison()
    try:
        for number in range(10):
            names: dict[str, Any] = {}
            exec(f"def made_{number}():\n  return [{number}, bytearray(9)]\nmade_{number}()", names)
            names.clear()
    finally:
        report = layouts.stop_comparison()
        tracemalloc.stop()
        gc.enable()
    assert report["code_frees"] == 20  # ten modules, ten functions


def test_a_walk_of_the_own_suspended_state_needs_no_gil(layouts: Any) -> None:
    stop = threading.Event()

    def disturb() -> None:
        while not stop.is_set():
            for frame in sys._current_frames().values():
                chain(frame)

    def walk_somewhere(depth: int) -> list[tuple[CodeType, int]]:
        if depth:
            return next(walk_somewhere(depth - 1) for _ in range(1))
        levels = layouts.walk_without_gil()
        assert [level[0] for level in levels] == [line[0] for line in chain(sys._getframe())]
        return [(code, offset) for code, offset, _ in levels[1:]]

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        for depth in range(0, 20, 4):
            walked = walk_somewhere(depth)
            assert sum(code is walk_somewhere.__code__ for code, _ in walked) == depth
    finally:
        stop.set()
        disturber.join()


def test_a_forked_child_finds_its_state_and_frames(layouts: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # if other threads run
        child = os.fork()
    if child == 0:
        status = 1
        try:
            codes = [line[0] for line in chain(sys._getframe())]
            walks = (layouts.walk(), layouts.walk_without_gil())
            status = int(any([level[0] for level in walk] != codes for walk in walks))
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_thread_that_python_does_not_know_has_no_state(layouts: Any) -> None:
    assert layouts.states_of_foreign_thread() == {
        "none_before": True,
        "own_inside": True,
        "own_while_released": True,
        "none_after": True,
        "none_at_exit": True,
    }


def test_the_state_that_holds_the_gil_is_read_without_a_call(layouts: Any) -> None:
    assert layouts.fast_state()


def test_the_self_check_stays_out_of_the_way_of_trace_functions(layouts: Any) -> None:
    seen: list[str] = []
    before = sys.gettrace()
    sys.settrace(lambda frame, *_: seen.append(frame.f_code.co_filename))
    try:
        failure = layouts.self_check()
    finally:
        sys.settrace(before)
    assert failure is None
    assert not [name for name in seen if "self-check" in name]


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "caf\u00e9",
        "\u20ac and \u00e9",
        "\U0001f600 wide",
        "lone \ud800 and \udfff",
        "\x00\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff",
        "long \u20ac" * 1000,
    ],
)
def test_texts_are_utf8_with_surrogates_passed(text: str, layouts: Any) -> None:
    class Named(str):
        pass

    assert layouts.utf8(text) == text.encode("utf-8", "surrogatepass")
    assert layouts.utf8(Named(text)) == text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("thing", [None, 1, b"bytes", ["list"]])
def test_what_is_no_string_has_no_text(thing: object, layouts: Any) -> None:
    assert layouts.utf8(thing) == b""


if sys.version_info < (3, 12):  # these strings are gone since

    def test_an_old_string_is_read_once_it_is_ready(layouts: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert layouts.utf8_of_legacy_string(False) == b""
            assert layouts.utf8_of_legacy_string(True) == "h\u00e9\u20ac\U0001f600".encode()


def test_the_texts_of_a_code_object_are_its_attributes(layouts: Any) -> None:
    class Outer:
        def method(self) -> None: ...

    plain = Outer.method.__code__
    odd = plain.replace(co_name="n\u00e4me", co_filename="\ud800.py", co_firstlineno=9)
    for code in (plain, odd, compile("1\n2", "<text>", "exec")):
        qualified = getattr(code, "co_qualname", code.co_name)  # since 3.11
        assert layouts.code_text(code) == (
            code.co_name.encode(),
            qualified.encode(),
            code.co_filename.encode("utf-8", "surrogatepass"),
            code.co_linetable,
            code.co_firstlineno,
        )


def test_a_code_object_that_is_being_destroyed_has_no_text(layouts: Any) -> None:
    code = compile("1\n2", "<text>", "exec")
    reference = weakref.ref(code, layouts.callback_that_reads(code))
    del code
    assert reference() is None
    assert layouts.bytes_read_of_dying() == 0


# --- pymalloc -------------------------------------------------------------------------------------

FILL = """
import json, layouts_module as layouts
kept = [[bytes(size) for size in range(0, 480, 7)] for _ in range(800)]
kept += [object() for _ in range(50_000)]
del kept[100:700]
kept += [[number, str(number)] for number in range(20_000)]
print(json.dumps(layouts.arena_occupancy()))
"""


def test_occupancy_is_what_pymalloc_says_of_itself(module_path: Path) -> None:
    environment = {**os.environ, "LD_PRELOAD": str(module_path)}
    environment["PYTHONPATH"] = str(module_path.parent)
    environment.pop("PYTHONMALLOC", None)
    result = subprocess.run(
        [sys.executable, "-c", FILL], env=environment, capture_output=True, text=True, check=True
    )
    classes, free_pools, arenas = json.loads(result.stdout)
    told: dict[int, tuple[int, int]] = {}
    told_free = told_arenas = None
    for line in result.stderr.splitlines():
        words = line.split()
        if len(words) == 5 and all(word.isdigit() for word in words):
            told[int(words[1])] = (int(words[2]), int(words[3]))
        elif line.startswith("# arenas allocated current"):
            told_arenas = int(words[-1].replace(",", ""))
        elif words[1:3] == ["unused", "pools"]:
            told_free = int(words[0])
    assert told_arenas is not None and told_arenas > 5
    assert arenas == told_arenas
    assert free_pools == told_free
    seen = {16 * (index + 1): tuple(sums) for index, sums in enumerate(classes) if any(sums)}
    assert seen == {size: sums for size, sums in told.items() if any(sums)}


def pool(size_class: int, used: int, *, pool_bytes: int = 16384, arena: int = 3) -> bytes:
    """A pool's header as pymalloc writes it, and the rest of the pool."""
    size = 16 * (size_class + 1)
    offsets = (48 + size, pool_bytes - size)
    header = struct.pack("=IIQQQIIII", used, 0, 1, 2, 3, arena, size_class, *offsets)
    return header.ljust(pool_bytes, b"\xdd")


# --- instances ------------------------------------------------------------------------------------


class Plain:
    def __init__(self, count: int) -> None:
        for index in range(count):
            setattr(self, f"name_{index}", object())


class Slotted(Plain):
    __slots__ = ("slot",)


class OfException(Exception, Plain):
    def __init__(self, count: int) -> None:
        Plain.__init__(self, count)


class OfInt(int):
    name_0 = "of the class"


def with_dictionary(count: int) -> Plain:
    made = Plain(count)
    assert len(vars(made)) == count
    return made


def with_another_dictionary(count: int) -> Plain:
    made = Plain(1)
    made.__dict__ = {f"name_{index}": object() for index in range(count)}
    return made


def after_a_deletion(count: int) -> Plain:
    made = Plain(count + 1)
    delattr(made, "name_0")
    return made


@pytest.mark.parametrize(
    "make",
    [Plain, Slotted, OfException, with_dictionary, with_another_dictionary, after_a_deletion],
)
@pytest.mark.parametrize("count", [1, 2, 5, 29, 30, 31, 200])
def test_an_attribute_of_an_instance_is_found_where_it_is_kept(
    make: Callable[[int], Plain], count: int, layouts: Any
) -> None:
    made = make(count)
    references = sys.getrefcount(made)
    names = [f"name_{index}" for index in range(-1, count + 2)]
    found = [layouts.attribute(made, name) for name in names]
    assert sys.getrefcount(made) == references
    assert found == [vars(made).get(name, NotImplemented) for name in names]


@pytest.mark.parametrize("thing", [1, "text", OfInt(7), Plain, len, None, [], object()])
def test_what_an_instance_does_not_keep_itself_is_not_found(thing: object, layouts: Any) -> None:
    assert layouts.attribute(thing, "name_0") is NotImplemented


def test_reading_an_attribute_makes_no_dictionary(layouts: Any) -> None:
    made = Plain(3)
    assert layouts.attribute(made, "name_2") is not NotImplemented
    sizes = {sys.getsizeof(made), sys.getsizeof(Plain(3))}
    assert len(sizes) == 1
    gc.collect()
    assert not any(type(held) is dict for held in gc.get_referents(made)) or (
        sys.version_info < (3, 11)
    )


def test_self_is_the_first_local_of_a_method(layouts: Any) -> None:
    class Caller:
        def call(self) -> object:
            return layouts.first_local_of_caller()

        def forget(self) -> object:
            del self
            return layouts.first_local_of_caller()

    caller = Caller()
    assert caller.call() is caller
    assert caller.forget() is NotImplemented


@pytest.mark.parametrize("pool_bytes", [4096, 16384])
def test_an_arena_of_either_pool_size_is_read(pool_bytes: int, layouts: Any) -> None:
    arena = pool(0, 7, pool_bytes=pool_bytes) + pool(31, 0, pool_bytes=pool_bytes)
    arena += pool(5, 40, pool_bytes=pool_bytes) + bytes(2 * pool_bytes)
    assert layouts.read_as_arena(arena) == (True, 2, 47, 3)


def test_an_arena_that_was_never_used_is_free(layouts: Any) -> None:
    assert layouts.read_as_arena(bytes(1 << 20)) == (True, 0, 0, 64)


@pytest.mark.parametrize(
    "memory",
    [
        b"",
        b"\xff" * 65536,
        b"\x01" * 16384,
        pool(0, 1) + pool(32, 1),
        pool(0, 1) + pool(1, 100_000),
        pool(0, 1) + pool(1, 1, arena=4),
        bytes(100),
    ],
    ids=["nothing", "ones", "garbage", "class", "count", "arena", "short"],
)
def test_memory_that_is_no_arena_is_refused_and_adds_nothing(memory: bytes, layouts: Any) -> None:
    assert layouts.read_as_arena(memory) == (False, 0, 0, 0)

"""Frames, code objects and arenas as src/cpython reads them, against what CPython itself says of them."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import gc
import importlib.machinery
import importlib.util
import json
import os
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import sysconfig
import threading
import time
import tracemalloc
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
Probe = Callable[[], Any]
Line = tuple[CodeType, int, "int | None"]


@pytest.fixture(scope="session")
def module_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds the test's own window into src/cpython for the interpreter that runs the tests."""
    compiler = shlex.split(os.environ.get("CXX", "")) or [shutil.which("g++") or "c++"]
    path = tmp_path_factory.mktemp("layouts") / "layouts_module.so"
    includes = {sysconfig.get_path("include"), sysconfig.get_path("platinclude")}
    command = [
        *compiler,
        *"-std=c++20 -O2 -fPIC -shared -fvisibility=hidden".split(),
        *"-Wall -Wextra -Wconversion -Wshadow -Werror".split(),
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


# --- the situations ---------------------------------------------------------------------------------


def plain_calls(probe: Probe) -> None:
    def inner(
        value: int,
    ) -> list[Any]:
        return [
            value,
            probe(),
            value,
        ]

    for _ in range(100):  # enough for the interpreter to specialise the calls
        inner(
            1,
        )


def lambdas(probe: Probe) -> None:
    (lambda: probe())()
    (lambda *args, **kwargs: (args, probe()))(
        1,
        key=2,
    )


def generators(probe: Probe) -> None:
    def leaf() -> Iterator[Any]:
        for _ in range(30):
            yield probe()

    def middle() -> Iterator[Any]:
        yield from leaf()

    for _ in middle():
        probe()
    for _ in leaf():
        probe()
    sum(1 for _ in (probe() for _ in range(3)))


def generators_that_are_sent_to_and_thrown_into(probe: Probe) -> None:
    def leaf() -> Iterator[Any]:
        while True:
            try:
                yield probe()
            except KeyError:
                probe()
            finally:
                probe()

    def outer() -> Iterator[Any]:
        yield from leaf()

    generator: Any = outer()
    next(generator)
    generator.send(1)
    generator.throw(KeyError())
    generator.close()


def coroutines_driven_by_hand(probe: Probe) -> None:
    class Suspend:
        def __await__(self) -> Iterator[Any]:
            probe()
            yield
            probe()

    async def inner() -> None:
        await Suspend()
        probe()

    async def outer() -> None:
        await inner()

    coroutine = outer()
    with contextlib.suppress(StopIteration):
        while True:
            coroutine.send(None)


def tasks(probe: Probe) -> None:
    async def ticker() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            probe()
            yield number

    async def consumer() -> None:
        async for _ in ticker():
            probe()
        print_ = [probe() async for _ in ticker()]
        assert len(print_) == 3

    async def main() -> None:
        await asyncio.gather(consumer(), consumer())

    asyncio.run(main())


def comprehensions(probe: Probe) -> None:
    [probe() for _ in range(2)]
    {
        probe()
        for _ in range(2)
    }
    {number: [probe() for _ in "a"] for number in range(2)}
    list(
        probe()
        for _ in range(2)
        if probe()
    )


def class_bodies(probe: Probe) -> None:
    class Meta(type):
        def __new__(cls, *args: Any) -> Any:
            probe()
            return super().__new__(cls, *args)

        def __prepare__(*_: Any, **__: Any) -> dict[str, Any]:  # type: ignore[override]
            probe()
            return {}

    class Base(metaclass=Meta):
        value = probe()

        def __init_subclass__(cls) -> None:
            probe()

    class Derived(Base):
        value = [
            probe(),
        ]

    assert Derived.value


def executed_code(probe: Probe) -> None:
    exec("\n\nprobe()\ndef f():\n  return (\n  probe())\nf()", {"probe": probe})
    eval("probe() or\\\n probe()", {"probe": probe})
    code = compile("x = 1\nprobe(\n)", "a name that is\u00e9 no file \U0001f600", "exec")
    exec(code, {"probe": probe})


def callbacks_from_c(probe: Probe) -> None:
    sorted([3, 1, 2], key=lambda value: (probe(), value)[1])
    list(map(lambda _: probe(), [1, 2]))
    list(filter(None, map(functools.partial(lambda _a, _b: probe(), 1), [1, 2])))
    max([1, 2], key=lambda value: probe() and value)

    class Equal:
        def __hash__(self) -> int:
            probe()
            return 1

        def __eq__(self, other: object) -> bool:
            probe()
            return True

    table = {Equal(): 1}
    assert table[Equal()] == 1


def destructors(probe: Probe) -> None:
    class Dying:
        def __del__(self) -> None:
            probe()

    def leave() -> None:
        local = Dying()
        assert local

    leave()
    thing = Dying()
    del thing
    cycle: Any = Dying()
    cycle.itself = cycle
    del cycle
    gc.collect()
    other = Dying()
    reference = weakref.ref(other, lambda _: probe())
    del other
    assert reference() is None


def attributes(probe: Probe) -> None:
    class Thing:
        @property
        def value(self) -> Any:
            return probe()

        def __getattr__(self, name: str) -> Any:
            return probe()

        def __getitem__(self, key: Any) -> Any:
            return probe()

        def __iter__(self) -> Iterator[Any]:
            probe()
            return iter([])

    for _ in range(60):
        thing: Any = Thing()
        thing.value, thing.missing, thing[1]
        list(thing)


def constructors(probe: Probe) -> None:
    class Thing:
        def __init__(self, depth: int) -> None:
            self.below = Thing(depth - 1) if depth else probe()

    for _ in range(60):
        Thing(
            3,
        )


def recursion(probe: Probe) -> None:
    def down(depth: int) -> int:
        if depth == 0:
            return int(bool(probe()))
        return (
            down(
                depth - 1,
            )
            + 1
        )

    down(300)


def contexts_and_exceptions(probe: Probe) -> None:
    class Guard:
        def __enter__(self) -> Any:
            return probe()

        def __exit__(self, *_: object) -> bool:
            probe()
            return True

    @contextlib.contextmanager
    def managed() -> Iterator[None]:
        probe()
        try:
            yield
        finally:
            probe()

    with Guard(), managed():
        probe()
        raise ValueError
    try:
        try:
            raise KeyError
        except KeyError:
            probe()
            raise ValueError from None
        finally:
            probe()
    except ValueError:
        probe()
    else:
        raise AssertionError


def decorators(probe: Probe) -> None:
    def decorate(function: Any) -> Any:
        probe()

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @decorate
    @functools.lru_cache(None)
    @decorate
    def decorated(value: int = probe()) -> Any:
        return probe()

    decorated(1)
    decorated(2)


def closures_with_cells_and_keywords(probe: Probe) -> None:
    def outer(first: Any, *rest: Any, **named: Any) -> Any:
        def inner() -> Any:
            return first, rest, named, probe()

        return inner()

    for _ in range(60):
        outer(1, 2, 3, key=4, other=5)


def replaced_code(probe: Probe) -> None:
    def function() -> Any:
        return (
            probe()
        )

    for line in (1, 1000, 70000):
        function.__code__ = function.__code__.replace(co_firstlineno=line, co_name="renamed")
        function()


def signals(probe: Probe) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.signal(signal.SIGUSR1, lambda *_: probe())
    signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def foreign_callbacks(probe: Probe) -> None:
    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    def compare(left: Any, right: Any) -> int:
        time.sleep(0)
        probe()
        return int(left[0] - right[0])

    library = ctypes.CDLL(None)  # its calls release the GIL, the callback takes it again
    values = (ctypes.c_int * 4)(4, 2, 3, 1)
    library.qsort(values, 4, ctypes.sizeof(ctypes.c_int), compare)
    assert list(values) == [1, 2, 3, 4]


def traced_code(probe: Probe) -> None:
    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        probe()
        return trace

    def traced() -> int:
        value = 1
        return [value for _ in range(2)][0]

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        traced()
    finally:
        sys.settrace(before)
    profile = sys.getprofile()
    sys.setprofile(lambda *_: probe() and None)
    try:
        len([])
    finally:
        sys.setprofile(profile)


def monitored_code(probe: Probe) -> None:
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is None:
        plain_calls(probe)
        return
    monitoring.use_tool_id(4, "test")
    events = monitoring.events

    def monitored() -> int:
        return len(
            [
                1,
                probe(),
            ]
        )

    for event in (events.LINE, events.INSTRUCTION, events.CALL, events.PY_START):
        monitoring.register_callback(4, event, lambda *_: probe() and None)
    wanted = events.LINE | events.INSTRUCTION | events.CALL | events.PY_START
    monitoring.set_local_events(4, monitored.__code__, wanted)
    monitored()
    monitoring.set_local_events(4, monitored.__code__, 0)
    monitored()
    monitoring.free_tool_id(4)


def threads(probe: Probe) -> None:
    def work() -> None:
        for _ in range(20):
            plain_calls_once(probe)
            time.sleep(0)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def plain_calls_once(probe: Probe) -> None:
    [
        probe()
        for _ in range(2)
    ]


def imports(probe: Probe) -> None:
    class Loader:
        def create_module(self, _spec: Any) -> None:
            probe()

        def exec_module(self, _module: Any) -> None:
            probe()

    spec = importlib.util.spec_from_loader("made_up", Loader())  # type: ignore[arg-type]
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


SITUATIONS = [
    plain_calls,
    lambdas,
    generators,
    generators_that_are_sent_to_and_thrown_into,
    coroutines_driven_by_hand,
    tasks,
    comprehensions,
    class_bodies,
    executed_code,
    callbacks_from_c,
    destructors,
    attributes,
    constructors,
    recursion,
    contexts_and_exceptions,
    decorators,
    closures_with_cells_and_keywords,
    replaced_code,
    signals,
    foreign_callbacks,
    traced_code,
    monitored_code,
    threads,
    imports,
]


# --- frames -----------------------------------------------------------------------------------------


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
            return [walk_somewhere(depth - 1) for _ in range(1)][0]
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


# --- texts ------------------------------------------------------------------------------------------


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


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="these strings are gone")
def test_an_old_string_is_read_once_it_is_ready(layouts: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert layouts.utf8_of_legacy_string(False) == b""
        assert layouts.utf8_of_legacy_string(True) == "h\u00e9\u20ac\U0001f600".encode()


def test_the_texts_of_a_code_object_are_its_attributes(layouts: Any) -> None:
    class Outer:
        def method(self) -> None: ...

    odd = Outer.method.__code__.replace(co_name="n\u00e4me", co_filename="\ud800.py", co_firstlineno=9)
    for code in (Outer.method.__code__, odd, compile("1\n2", "<text>", "exec")):
        qualified = code.co_qualname if sys.version_info >= (3, 11) else code.co_name
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


# --- pymalloc ---------------------------------------------------------------------------------------

FILL = """
import json, layouts_module as layouts
kept = [[bytes(size) for size in range(0, 480, 7)] for _ in range(800)]
kept += [object() for _ in range(50_000)]
del kept[100:700]
kept += [[number, str(number)] for number in range(20_000)]
print(json.dumps(layouts.arena_occupancy()))
"""


def test_occupancy_is_what_pymalloc_says_of_itself(module_path: Path) -> None:
    environment = {**os.environ, "LD_PRELOAD": str(module_path), "PYTHONPATH": str(module_path.parent)}
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
    header = struct.pack("=IIQQQIIII", used, 0, 1, 2, 3, arena, size_class, 48 + size, pool_bytes - size)
    return header.ljust(pool_bytes, b"\xdd")


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

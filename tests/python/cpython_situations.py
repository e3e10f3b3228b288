"""Programs that call a probe from every kind of frame that CPython has.

Each takes a function without parameters, calls it from frames of one kind, and leaves nothing
behind. Expressions are spread over lines where that makes a wrong instruction a wrong line.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import gc
import importlib.util
import signal
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from types import FrameType
from typing import Any

Probe = Callable[[], Any]


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
        def __await__(self) -> Generator[Any, Any, Any]:
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
        assert len([probe() async for _ in ticker()]) == 3

    async def main() -> None:
        await asyncio.gather(consumer(), consumer())

    asyncio.run(main())


def comprehensions(probe: Probe) -> None:
    [probe() for _ in range(2)]
    {probe() for _ in range(2)}
    {number: [probe() for _ in "a"] for number in range(2)}
    tuple(probe() for _ in range(2) if probe())


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
        value = max(
            1,
            probe(),
        )

    assert Derived.value


def executed_code(probe: Probe) -> None:
    exec("\n\nprobe()\ndef f():\n  return (\n  probe())\nf()", {"probe": probe})
    eval("probe() or\\\n probe()", {"probe": probe})
    code = compile("x = 1\nprobe(\n)", "a name that is\u00e9 no file \U0001f600", "exec")
    exec(code, {"probe": probe})


def callbacks_from_c(probe: Probe) -> None:
    sorted([3, 1, 2], key=lambda value: (probe(), value)[1])
    list(map(lambda first, second: (probe(), first, second), [1, 2], [3, 4]))
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


def exhausted_recursion(probe: Probe) -> None:
    def down() -> None:
        down()

    depth = 0
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        depth += 1
        frame = frame.f_back
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 60)
    try:
        down()
    except RecursionError:
        pass
    finally:
        sys.setrecursionlimit(before)
    probe()


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
        return probe()

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
    pointer = ctypes.POINTER(ctypes.c_int)

    def compare(left: Any, right: Any) -> int:
        time.sleep(0)
        probe()
        return int(left[0] - right[0])

    library = ctypes.CDLL(None)  # its calls release the GIL, the callback takes it again
    values = (ctypes.c_int * 4)(4, 2, 3, 1)
    callback = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer)(compare)
    library.qsort(values, 4, ctypes.sizeof(ctypes.c_int), callback)
    assert list(values) == [1, 2, 3, 4]


def traced_code(probe: Probe) -> None:
    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        probe()
        return trace

    def traced() -> int:
        value = 1
        return len([value for _ in range(2)])

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
    [probe() for _ in range(2)]


def imports(probe: Probe) -> None:
    class Loader:
        def create_module(self, _spec: Any) -> None:
            probe()

        def exec_module(self, _module: Any) -> None:
            probe()

    spec = importlib.util.spec_from_loader("made_up", Loader())  # type: ignore[arg-type]
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


SITUATIONS: list[Callable[[Probe], None]] = [
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
    exhausted_recursion,
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

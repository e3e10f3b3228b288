"""Line profiles of what is suspended and resumed, and of what runs on several threads."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from typing import Any

import pytest
from line_figures import MIB, figures, lines_of, profiled

from heapscope import _tracker

pytestmark = pytest.mark.usefixtures("tracked")


def test_time_suspended_belongs_to_nobody() -> None:
    elsewhere: list[bytearray] = []
    inside: list[bytearray] = []

    def produce() -> Generator[int, None, None]:
        inside.append(bytearray(MIB))
        yield 1
        inside.append(bytearray(MIB))
        yield 2

    _tracker.profile_code(produce.__code__)

    def drive() -> None:
        generator = produce()
        next(generator)
        elsewhere.append(bytearray(50 * MIB))
        next(generator)
        elsewhere.append(bytearray(50 * MIB))
        list(generator)

    profiled(drive)()
    found = figures(produce)
    assert found["calls"] == 1
    assert found["net_bytes"] in range(2 * MIB, 2 * MIB + 1000)
    assert found["peak_bytes"] in range(2 * MIB, 2 * MIB + 1000)
    assert lines_of(drive)[3]["increment_bytes"] in range(50 * MIB, 50 * MIB + 1000)
    assert lines_of(drive)[4]["increment_bytes"] in range(MIB, MIB + 1000)


def test_a_generator_is_profiled_by_a_wrapper_made_in_python() -> None:
    kept: list[bytearray] = []

    def produce(count: int) -> Generator[int, None, None]:
        for number in range(count):
            kept.append(bytearray(MIB))
            yield number

    code = produce.__code__

    def stretches() -> None:
        generator = produce(3)
        for _ in range(4):
            assert _tracker.profile_enter(code)
            try:
                next(generator, None)
            finally:
                _tracker.profile_leave(code, False)
            kept.append(bytearray(20 * MIB))

    stretches()
    found = figures(produce)
    assert found["calls"] == 1
    assert found["net_bytes"] in range(3 * MIB, 3 * MIB + 1000)


def test_a_generator_may_be_resumed_on_another_thread_and_closed_by_the_collector() -> None:
    def produce() -> Generator[bytearray, None, None]:
        try:
            while True:
                block = bytearray(MIB)
                yield block
        finally:
            bytearray(7 * MIB)

    def step(generator: Generator[bytearray, None, None]) -> None:
        next(generator)

    call = profiled(step)
    _tracker.profile_code(produce.__code__)
    generator = produce()
    call(generator)
    thread = threading.Thread(target=call, args=(generator,))
    thread.start()
    thread.join()
    cycle: list[Any] = [generator]
    cycle.append(cycle)

    def collect() -> None:
        gc.collect()

    del generator, cycle
    profiled(collect)()
    found = figures(produce)
    assert found["calls"] == 1
    assert found["per_call"] is not None
    assert figures(step)["calls"] == 2
    assert found["peak_bytes"] >= 7 * MIB


def test_coroutines_of_one_loop_are_kept_apart() -> None:
    import asyncio

    kept: list[bytearray] = []

    async def work(size: int) -> None:
        for _ in range(5):
            kept.append(bytearray(size))
            await asyncio.sleep(0)

    async def noise() -> None:
        for _ in range(5):
            kept.append(bytearray(9 * MIB))
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(work(MIB), noise(), work(2 * MIB))

    _tracker.profile_code(work.__code__)

    def run() -> None:
        asyncio.run(main())

    profiled(run)()
    found = figures(work)
    assert found["calls"] == 2
    assert found["net_bytes"] in range(15 * MIB, 15 * MIB + 20_000)
    assert found["net_per_call"]["min"] in range(5 * MIB, 5 * MIB + 10_000)


def test_threads_in_one_function_have_their_own_memory() -> None:
    barrier = threading.Barrier(3)
    kept: list[bytearray] = []

    def work(size: int) -> None:
        for _ in range(10):
            barrier.wait()
            kept.append(bytearray(size))

    call = profiled(work)
    threads = [threading.Thread(target=call, args=(size * MIB,)) for size in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = figures(work)
    assert found["calls"] == 3
    assert found["net_bytes"] in range(60 * MIB, 60 * MIB + 100_000)
    assert found["net_per_call"]["min"] in range(10 * MIB, 10 * MIB + 50_000)
    assert found["net_per_call"]["max"] in range(30 * MIB, 30 * MIB + 50_000)
    assert found["per_call"]["max"] < 31 * MIB

# mypy: ignore-errors
"""Allocations at the ends of stacks of every kind; each kept block has a size of its own."""

import asyncio
import contextlib
import functools
import threading

kept = []


def keep(size):
    kept.append(bytearray(size))  # here: keep


def generator():
    keep(100_000)  # here: generator_first
    yield
    keep(100_001)  # here: generator_second
    yield from inner()  # here: delegating


def inner():
    yield keep(100_002)  # here: delegated


def drive():
    for _ in generator():  # here: drive
        pass


def drive_elsewhere(started):
    next(started)  # here: resumed_elsewhere


async def coroutine(depth):
    if depth:
        await coroutine(depth - 1)  # here: awaiting
    else:
        await asyncio.sleep(0)
        keep(100_010)  # here: awaited


async def tasks():
    await asyncio.gather(coroutine(3), asyncio.create_task(coroutine(0)))


async def asynchronous_generator():
    keep(100_011)  # here: asynchronous
    yield


async def consume():
    async for _ in asynchronous_generator():  # here: consuming
        pass


def recurse(depth):
    if depth == 0:
        return keep(100_020)  # here: bottom
    return recurse(depth - 1)  # here: recursion


class Callbacks:
    def __eq__(self, other):
        keep(100_030)  # here: compared
        return True

    def __hash__(self):
        return 7

    def __del__(self):
        keep(100_031)  # here: finalised

    def __getattr__(self, name):
        keep(100_032)  # here: looked_up
        return name

    def __lt__(self, other):
        keep(100_033)  # here: ordered
        return True


@contextlib.contextmanager
def context():
    keep(100_040)  # here: entered
    yield
    keep(100_041)  # here: left


def raises(depth):
    try:
        if depth == 0:
            raise ValueError
        raises(depth - 1)  # here: raising
    except ValueError:
        if depth == 2:
            keep(100_050)  # here: handler
        raise


def callbacks():
    one, two = Callbacks(), Callbacks()
    {one: 1}[two]  # here: calls_eq
    sorted([one, two])  # here: calls_lt
    one.anything  # here: calls_getattr
    del two  # here: calls_del
    list(map(keep, [100_034]))  # here: calls_map
    functools.partial(keep, 100_035)()  # here: calls_partial
    functools.reduce(lambda a, b: keep(a), [100_036, 0])  # here: calls_lambda
    (lambda: [keep(size) for size in (100_037,)])()  # here: comprehension
    kept.append(one)


source = "def made(size):\n    keep(size)\n\nmade(100_060)\n"


def run():
    drive()  # here: drives
    started = generator()
    next(started)  # here: starts
    drive_elsewhere(started)  # here: passes_on
    asyncio.run(tasks())
    asyncio.run(consume())
    recurse(50)  # here: recurses
    callbacks()
    with context():  # here: enters
        pass
    with contextlib.suppress(ValueError):
        raises(4)  # here: raises
    exec(compile(source, "made up", "exec"), {"keep": keep})  # here: executes
    thread = threading.Thread(target=keep, args=(100_070,), name="the worker")
    thread.start()
    thread.join()


run()
for position in range(400):  # the same depth, ever other callers
    exec(f"def f{position}(): keep({200_000 + 100 * position})\nf{position}()", {"keep": keep})

# mypy: ignore-errors
"""Frames of every kind, mixed at random, on several threads: a test of the walk of the stack.

Under a build with HEAPSCOPE_CHECK_WALKS each walk is compared with a full one.
"""

import asyncio
import contextlib
import json
import random
import threading


class Thing:
    __slots__ = ("one", "other")


def recurse(chance, depth):
    held = [Thing() for _ in range(chance.randrange(3))]
    for odds in (0.8, 0.5):
        if depth and chance.random() < odds:
            recurse(chance, depth - 1)
    return len(held)


def generate(count):
    for index in range(count):
        yield Thing()
        if index % 3 == 0:
            yield from generate(count // 3)


def interleave(chance):
    running = [generate(12) for _ in range(6)]
    while running:
        position = chance.randrange(len(running))
        if next(running[position], None) is None:
            running.pop(position)


async def wait(depth):
    held = Thing()
    if depth:
        await wait(depth - 1)
    await asyncio.sleep(0)
    return [held]


async def gather(chance):
    await asyncio.gather(*(wait(chance.randrange(12)) for _ in range(30)))


def fail(chance, depth):
    try:
        if depth == 0:
            raise ValueError("x" * 20)
        fail(chance, depth - 1)
    except ValueError:
        Thing()
        if chance.random() < 0.5:
            raise


def made(number):
    source = f"def f{number}(n):\n    return [object()] + ([f{number}(n - 1)] if n else [])\n"
    exec(source + f"f{number}(5)", {})


class Callback:
    def __init__(self):
        self.value = Thing()

    def __eq__(self, other):
        return Thing() is self is other

    def __hash__(self):
        return 7 * bool(Thing())

    def __del__(self):
        Thing()

    def __lt__(self, other):
        return bool(id(Thing()) % 32)


@contextlib.contextmanager
def context():
    yield Thing()


def recurse_from(chance):
    return recurse(chance, 2)


def call_back(chance):
    {Callback(): 1 for _ in range(6)}
    sorted(Callback() for _ in range(8))
    list(map(recurse_from, [chance] * 3))
    with context():
        recurse(chance, 3)


def work(seed):
    chance = random.Random(seed)
    for number in range(8):
        recurse(chance, 10)
        interleave(chance)
        call_back(chance)
        made(number)
        with contextlib.suppress(ValueError):
            fail(chance, 9)
        json.loads(json.dumps([{"a": [1.5] * 5}] * 5))
    asyncio.run(gather(chance))


work(1)
threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

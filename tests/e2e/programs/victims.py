# mypy: ignore-errors
"""Forks children that record themselves and allocate without end; each is killed at some instant.

Arguments: a directory, how many, a seed. The children's captures are DIRECTORY/NUMBER.hscope.
"""

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import heapscope
from heapscope import _tracker, metadata  # noqa: F401  # loaded once, for all children

directory, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


class Node:
    def __init__(self, depth):
        self.text = "x" * (depth * 40)
        self.children = [Node(depth - 1) for _ in range(depth % 3)] if depth else []


def grow(depth, number):
    exec(f"def leaf(): return [bytearray({number % 700}) for _ in range(9)]", names := {})
    if depth:
        return [grow(depth - 1, number + 1), names["leaf"]()]
    return json.loads(json.dumps({str(key): [key] * 7 for key in range(number % 50)}))


def churn(number):
    held = []
    while True:
        number = number * 48_271 % 2_147_483_647
        held.append((Node(number % 7), grow(number % 12, number), bytearray(number % 300_000)))
        del held[: number % 4 : 2]
        if len(held) > 40:
            held.clear()


def be_a_victim(number, started):
    heapscope.start(directory / f"{number}.hscope")
    os.write(started, b"s")
    for index in range(number % 4):
        threading.Thread(target=churn, args=(number + index,), daemon=True).start()
    churn(number)


chance = random.Random(seed)
for number in range(count):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            be_a_victim(number, writer)
        os._exit(1)
    os.close(writer)
    assert os.read(reader, 1) == b"s"
    os.close(reader)
    time.sleep(chance.random() ** 2 * 0.1)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), status

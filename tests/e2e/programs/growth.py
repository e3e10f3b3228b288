"""Programs that keep more and more, each with a healthy twin: python growth.py KIND.

What grows is allocated on lines that are marked; all else is freed, or was made at the start.
"""

from __future__ import annotations

import collections
import functools
import queue
import random
import sys
import threading

ROUNDS = 150


def work() -> None:
    """What a round does besides: some milliseconds of blocks that come and go."""
    for _ in range(25):
        [str(number) for number in range(1000)]


# ---- what grows


def beside_a_temporary() -> object:
    kept = []
    for _ in range(300):
        scratch = bytearray(3_000_000)
        kept.append(bytearray(200_000))  # here: beside_a_temporary
    del scratch
    return kept


def small() -> object:
    kept = []
    for _ in range(200):
        work()
        kept.append(bytes(100))  # here: small
    return kept


def slow() -> object:
    kept = []
    for number in range(ROUNDS):
        work()
        if number % 15 == 7:
            kept.append(bytes(1000))  # here: slow
    return kept


def few_big_blocks() -> object:
    kept = [b""] * 6
    for number in range(6 * 25):
        work()
        if number % 25 == 12:
            kept[number // 25] = bytes(5_000_000)  # here: few_big_blocks
    return kept


def buffer() -> object:
    kept = bytearray()
    line = bytes(1000)
    for _ in range(ROUNDS):
        work()
        kept.extend(line)  # here: buffer
    return kept


def doubling() -> object:
    kept = bytes(100)
    for number in range(ROUNDS):
        work()
        if number % 15 == 7:
            kept = kept + kept  # here: doubling
    return kept


def cache_without_bound() -> object:
    @functools.cache
    def square(number: int) -> bytes:
        return bytes(1000)  # here: cache_without_bound

    for number in range(ROUNDS):
        work()
        square(number)
    return square


def keep_some(number: int) -> bytes:
    return bytes(20_000)  # here: one_caller


def one_caller() -> object:
    """One line serves a caller that drops its blocks and one that keeps them."""
    kept = [b""] * ROUNDS
    waiting: collections.deque[bytes] = collections.deque(maxlen=100)
    for number in range(ROUNDS):
        work()
        for _ in range(number * 7 % 50):
            waiting.append(keep_some(number))
        if number % 50 == 49:
            waiting.clear()
        kept[number] = keep_some(number)
    waiting.clear()
    return kept


def in_a_thread() -> object:
    kept = []

    def serve() -> None:
        for _ in range(ROUNDS):
            work()
            kept.append(bytes(1000))  # here: in_a_thread

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
    return kept


def after_loading() -> object:
    """A hundred times as much was loaded before."""
    kept = []

    def keep(size: int) -> None:
        kept.append(bytes(size))  # here: after_loading

    for _ in range(1000):
        keep(100_000)
    for _ in range(2 * ROUNDS):
        work()
        keep(1000)
    return kept


# ---- what does not


def temporaries() -> object:
    kept = []
    for _ in range(300):
        scratch = bytearray(3_000_000)
        kept.append(bytearray(200_000))
        kept.pop()
    del scratch
    return kept


def load_and_use() -> object:
    data = [bytes(1000) for _ in range(20_000)]
    total = 0
    for _ in range(2 * ROUNDS):
        work()
        total += len(data)
    return data


def warmed_cache() -> object:
    @functools.lru_cache(maxsize=100)
    def square(number: int) -> bytes:
        return bytes(1000)

    for number in range(3 * ROUNDS):
        work()
        square(number)
    return square


def finite_cache() -> object:
    """Keys come in any order from a hundred: the last are missed long after the first."""
    draw = random.Random(5)
    cache = {}
    for _ in range(4 * ROUNDS):
        work()
        for _ in range(2):
            key = draw.randrange(100)
            if key not in cache:
                cache[key] = bytes(1000)
    return cache


def evicting_cache() -> object:
    """It evicts any entry: some are as old as the run."""
    draw = random.Random(5)
    cache = {}
    for _ in range(2 * ROUNDS):
        work()
        for _ in range(3):
            cache[draw.randrange(100)] = bytes(1000)
    return cache


def window() -> object:
    kept: collections.deque[bytes] = collections.deque(maxlen=50)
    for _ in range(2 * ROUNDS):
        work()
        kept.append(bytes(10_000))
    return kept


def filled_and_drained() -> object:
    """A queue; the run ends when it is half full."""
    waiting: queue.Queue[bytes] = queue.Queue()
    for number in range(7 * 60 + 30):
        work()
        waiting.put(bytes(10_000))
        if number % 60 == 59:
            while not waiting.empty():
                waiting.get()
    return waiting


def stops_halfway() -> object:
    kept = []
    for number in range(2 * ROUNDS):
        work()
        if number < ROUNDS:
            kept.append(bytes(1000))
    return kept


def late_import() -> object:
    for number in range(ROUNDS):
        work()
        if number == ROUNDS // 2:
            import xml.dom.minidom
        if number == ROUNDS * 3 // 4:
            import email.message
            import http.client
    return xml.dom.minidom, email.message, http.client


def numpy_temporaries() -> object:
    import numpy

    a = numpy.ones(200_000)
    for _ in range(400):
        b = a * a
        c = a + b
        d = -c
        a = d / d.max()
    return a


def threads_that_end() -> object:
    results: queue.Queue[int] = queue.Queue()

    def serve() -> None:
        work()
        results.put(len(bytes(100_000)))

    for _ in range(ROUNDS):
        thread = threading.Thread(target=serve)
        thread.start()
        thread.join()
        results.get()
    return results


def objects_in_cycles() -> object:
    """Freed by the garbage collector, now and then."""

    class Node:
        def __init__(self) -> None:
            self.me = self

    for _ in range(ROUNDS):
        work()
        for _ in range(100):
            Node()
    return Node


if __name__ == "__main__":
    kept = globals()[sys.argv[1]]()

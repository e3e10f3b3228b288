"""Chained method calls that allocate one int each: hardly any work beside the allocation."""

from __future__ import annotations

import measure

ROUNDS = 40
CHAINS = 75_000


class Counter:
    def __init__(self) -> None:
        self.value = 1000  # above CPython's cache of small ints

    def inc(self, by: int = 1) -> Counter:
        self.value += by
        return self


def setup() -> None:
    pass


def work(rounds: int) -> None:
    for _ in range(rounds):
        counter = Counter()
        for _ in range(CHAINS):
            counter.inc().inc(2).inc(3)
        assert counter.value == 1000 + 6 * CHAINS


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

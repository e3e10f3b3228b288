"""Calls and nothing else: small ints come from CPython's cache, hardly a block is allocated."""

from __future__ import annotations

import measure

ROUNDS = 20
ARGUMENT = 27


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def setup() -> None:
    pass


def work(rounds: int) -> None:
    for _ in range(rounds):
        assert fib(ARGUMENT) == 196_418


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

"""Recursion to depths of 100, 1,000 and 4,000, two allocations a call.

The details give the CPU time of one call at each depth, in nanoseconds.
"""

from __future__ import annotations

import sys
import time

import measure

ROUNDS = 280  # of 4,000 calls at each depth
CALLS = 4_000
DEPTHS = (100, 1_000, 4_000)


def descend(depth: int) -> list[object]:
    if depth == 0:
        return []
    kept: list[object] = [depth, depth]
    descend(depth - 1)
    return kept


def setup() -> None:
    sys.setrecursionlimit(max(DEPTHS) + 1_000)


def work(rounds: int) -> dict[str, float]:
    nanoseconds_per_call = {}
    for depth in DEPTHS:
        start = time.process_time()
        for _ in range(rounds * CALLS // depth):
            descend(depth)
        seconds = time.process_time() - start
        nanoseconds_per_call[f"depth_{depth}_ns"] = seconds * 1e9 / (rounds * CALLS)
    return nanoseconds_per_call


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

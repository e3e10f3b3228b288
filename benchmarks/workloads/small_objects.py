"""Small lists, dicts, instances and strings: 3.6 million blocks, most of them kept for a while."""

from __future__ import annotations

import measure

ROUNDS = 2
KEPT = 60_000
PASSING = 150_000
ROWS = 30_000


class Point:
    def __init__(self, x: int, y: tuple[int, int]) -> None:
        self.x = x
        self.y = y


class Slotted:
    __slots__ = ("label", "number")

    def __init__(self, number: int, label: str) -> None:
        self.number = number
        self.label = label


def build(count: int) -> list[object]:
    kept: list[object] = []
    for i in range(count):
        kept.append([i, i + 1000, i * 2])
        kept.append({"key": i, "value": float(i)})
        kept.append(Point(i, (i, i)))
        kept.append(Slotted(i, str(i)))
    return kept


def setup() -> None:
    pass


def work(rounds: int) -> None:
    for _ in range(rounds):
        kept = build(KEPT)
        total = 0
        for i in range(PASSING):
            pair = [i, i + 1]
            total += len({i: pair})
        rows = [[column & 7 for column in range(8)] for _ in range(ROWS)]
        assert total == PASSING
        assert len(rows) == ROWS
        assert len(kept) == 4 * KEPT


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

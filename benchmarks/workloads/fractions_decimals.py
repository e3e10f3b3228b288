"""Sums of fractions and square roots of decimals: every operation allocates its result."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import measure

ROUNDS = 16
TERMS = 10_000


def setup() -> None:
    Decimal(2).sqrt()


def work(rounds: int) -> None:
    for _ in range(rounds):
        total = Fraction(0)
        for i in range(1, TERMS):
            total += Fraction(i % 7 + 1, i % 11 + 1)
        roots = Decimal(0)
        for i in range(1, TERMS):
            roots += Decimal(i).sqrt() / (i + 1)
        assert total > 0
        assert roots > 0


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

"""The words of a generated text split, lowered, counted and sorted: strings and a growing dict."""

from __future__ import annotations

import random
from collections import Counter

import measure

ROUNDS = 22
LINES = 4_000
WORDS_IN_A_LINE = 12
_lines: list[str] = []


def setup() -> None:
    generator = random.Random(1)
    for _ in range(LINES):
        words = (f"Word{generator.randrange(20_000)}" for _ in range(WORDS_IN_A_LINE))
        _lines.append(" ".join(words) + ".")


def work(rounds: int) -> None:
    for _ in range(rounds):
        counts: Counter[str] = Counter()
        for line in _lines:
            for word in line.split():
                counts[word.strip(".").lower()] += 1
        assert sum(counts.values()) == LINES * WORDS_IN_A_LINE
        sorted((word, count) for word, count in counts.items())


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

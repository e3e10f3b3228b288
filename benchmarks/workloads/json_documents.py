"""20,000 nested records written as JSON and read back: many blocks from few places in C code."""

from __future__ import annotations

import json
import random

import measure

ROUNDS = 3
RECORDS = 20_000


def documents(count: int) -> list[dict[str, object]]:
    generator = random.Random(1)
    return [
        {
            "id": i,
            "name": f"user{i}",
            "score": generator.random(),
            "tags": [f"t{generator.randrange(1000)}" for _ in range(5)],
            "nested": {"a": i, "b": [1.5 * i, None, True]},
        }
        for i in range(count)
    ]


def setup() -> None:
    json.loads(json.dumps(documents(1)))


def work(rounds: int) -> None:
    original = documents(RECORDS)
    for _ in range(rounds):
        text = json.dumps(original)
        copy = json.loads(text)
        assert len(copy) == RECORDS


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

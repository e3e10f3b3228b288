"""A heap of 500 MiB in small blocks, all alive at once: dicts, lists, strings and numbers."""

from __future__ import annotations

import measure

ROUNDS = 500  # MiB
RECORDS_IN_A_MEBIBYTE = 1_910


def record(i: int) -> dict[str, object]:
    return {"id": i, "name": f"name {i}", "score": i * 0.5, "tags": [f"tag {i}", i + 1, None]}


def setup() -> None:
    pass


def work(rounds: int) -> None:
    kept = [record(1_000 + i) for i in range(rounds * RECORDS_IN_A_MEBIBYTE)]
    assert kept[-1]["tags"]


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

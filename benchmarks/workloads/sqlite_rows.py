"""50,000 rows written to a database in memory, read back as tuples and aggregated in Python."""

from __future__ import annotations

import sqlite3

import measure

ROUNDS = 6
ROWS = 50_000


def setup() -> None:
    sqlite3.connect(":memory:").close()


def work(rounds: int) -> None:
    for _ in range(rounds):
        connection = sqlite3.connect(":memory:")
        connection.execute("create table person (id integer, name text, score real)")
        connection.executemany(
            "insert into person values (?, ?, ?)",
            ((i, f"person {i}", i * 0.5) for i in range(ROWS)),
        )
        by_initial: dict[str, float] = {}
        for _, name, score in connection.execute("select id, name, score from person").fetchall():
            key = name[-1]
            by_initial[key] = by_initial.get(key, 0.0) + score
        assert len(by_initial) == 10
        connection.close()


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

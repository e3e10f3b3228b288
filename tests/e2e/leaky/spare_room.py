"""Tables that were large once."""

from __future__ import annotations

from snapshots import LEAKS, take

TABLES = []
for _ in range(3):
    table = dict.fromkeys(range(30_000))
    for number in range(29_990):
        del table[number]
    TABLES.append(table if LEAKS else dict(table.items()))
    del table
take()

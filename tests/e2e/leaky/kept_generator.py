"""A generator that nobody finished, and that holds what it was at."""

from __future__ import annotations

from collections.abc import Generator

from snapshots import LEAKS, take


def read() -> Generator[int, None, None]:
    table = [b"%0100d" % number for number in range(20_000)]
    for row in table:
        yield len(row)


READER = read()
next(READER)
if not LEAKS:
    READER.close()
take()

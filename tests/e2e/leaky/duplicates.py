"""The same names, read anew for each row."""

from __future__ import annotations

import sys

from snapshots import LEAKS, spread, take


def read(number: int) -> str:
    name = "".join(["department of history and ", "literature ", str(number % 10)])
    return name if LEAKS else sys.intern(name)


ROWS = spread(read(number) for number in range(20_000))
take()

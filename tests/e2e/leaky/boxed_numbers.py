"""Measurements in lists, an object each."""

from __future__ import annotations

from array import array

from snapshots import LEAKS, spread, take


def series(number: int) -> object:
    values = [number + at / 7 for at in range(80)]
    return values if LEAKS else array("d", values)


SERIES = spread(series(number) for number in range(1_000))
take()

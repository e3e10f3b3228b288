"""Many small objects of a class without __slots__."""

from __future__ import annotations

from snapshots import LEAKS, spread, take


class Open:
    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y


class Tight:
    __slots__ = ("x", "y")

    def __init__(self, x: int, y: int) -> None:
        self.x = x
        self.y = y


Point = Open if LEAKS else Tight
POINTS = spread(Point(number % 200, number % 100) for number in range(40_000))
take()

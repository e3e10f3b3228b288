"""A registry that is never emptied."""

from __future__ import annotations

from snapshots import LEAKS, take


class Entry:
    __slots__ = ("payload",)

    def __init__(self, number: int) -> None:
        self.payload = b"%064d" % number


class Registry:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        if not LEAKS:
            del self.entries[:-10]


registry = Registry()
for number in range(20_000):
    registry.add(Entry(number))
take()

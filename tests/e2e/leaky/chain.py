"""A list of nodes that only gets longer."""

from __future__ import annotations

from snapshots import LEAKS, take


class Node:
    __slots__ = ("next", "payload")

    def __init__(self, payload: bytes, following: Node | None) -> None:
        self.payload = payload
        self.next = following


HEAD: Node | None = None
for number in range(20_000):
    HEAD = Node(b"%064d" % number, HEAD if LEAKS else None)
take()

"""Callbacks that closed over more than they need."""

from __future__ import annotations

from collections.abc import Callable

from snapshots import LEAKS, take


def make(number: int) -> Callable[[], int]:
    document = b"%010000d" % number
    size = len(document)

    def whole() -> int:
        return len(document)

    def frugal() -> int:
        return size

    return whole if LEAKS else frugal


CALLBACKS = [make(number) for number in range(300)]
take()

"""What the leaky programs share: `python PROGRAM leaks|healthy DIRECTORY` leaves its snapshots."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from heapscope import _tracker

LEAKS = sys.argv[1] == "leaks"


def take() -> None:
    """Leave the next snapshot in the directory."""
    number = len(os.listdir(sys.argv[2]))
    _tracker.heap_write(os.path.join(sys.argv[2], f"{number}.raw"))


def spread(values: Iterable[object], width: int = 50) -> list[Any]:
    """Lists of lists, none of more than `width`: no single object holds many."""
    row: list[Any] = list(values)
    while len(row) > width:
        row = [row[at : at + width] for at in range(0, len(row), width)]
    return row

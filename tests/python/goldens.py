"""Texts that are kept: HEAPSCOPE_WRITE_GOLDENS=1 writes them anew, for somebody to look at."""

from __future__ import annotations

import os
from pathlib import Path

_DIRECTORY = Path(__file__).parent / "golden"


def check(name: str, text: str) -> None:
    """Compare a text with the one that is kept, blanks at the ends of lines apart."""
    text = "\n".join(line.rstrip() for line in text.splitlines()).rstrip() + "\n"
    path = _DIRECTORY / f"{name}.txt"
    if os.environ.get("HEAPSCOPE_WRITE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")

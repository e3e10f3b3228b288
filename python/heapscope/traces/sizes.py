"""Sizes as tracemalloc prints them: ``30 B``, ``4855 KiB``, ``12.3 MiB``."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def format_size(size: float, signed: bool = False) -> str:
    """Return `size` in bytes with a binary unit, at most five digits; with a sign when `signed`."""
    sign = "+" if signed else ""
    for unit in _UNITS[:-1]:
        if unit != "B" and abs(size) < 100:
            return f"{size:{sign}.1f} {unit}"
        if abs(size) < 10 * 1024:
            return f"{size:{sign}.0f} {unit}"
        size /= 1024
    digits = 1 if abs(size) < 100 else 0
    return f"{size:{sign}.{digits}f} {_UNITS[-1]}"

"""Figures for people: binary units with three significant digits, counts, shares, seconds."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def size(count: int) -> str:
    """Write a number of bytes: ``0 B``, ``1.50 KiB``, ``223 MiB``.

    Examples
    --------
    >>> size(1536), size(1023), size(1023 * 1024)
    ('1.50 KiB', '1023 B', '0.999 MiB')
    """
    if abs(count) < 1024:
        return f"{count} B"
    value, unit = float(count), 0
    while abs(value) >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{_three_digits(value)} {_UNITS[unit]}"


def _three_digits(value: float) -> str:
    magnitude = abs(value)
    if magnitude >= 99.95:
        return f"{value:.0f}"
    if magnitude >= 9.995:
        return f"{value:.1f}"
    if magnitude >= 0.9995:
        return f"{value:.2f}"
    return f"{value:.3f}"


def count(number: int) -> str:
    """Write a count, exactly: ``1,234,567``."""
    return f"{number:,}"


def share(part: int, whole: int) -> str:
    """Write a part as per cent of a whole: ``57 %``, ``4.2 %``, ``<0.1 %``.

    Examples
    --------
    >>> share(57, 100), share(42, 1000), share(1, 10**6), share(0, 0)
    ('57 %', '4.2 %', '<0.1 %', '0 %')
    """
    if whole <= 0 or part == 0:
        return "0 %"
    percent = 100 * part / whole
    if abs(percent) >= 9.95:
        return f"{percent:.0f} %"
    if abs(percent) >= 0.05:
        return f"{percent:.1f} %"
    return "<0.1 %"


def duration(seconds: float) -> str:
    """Write a time: ``35 ms``, ``2.0 s``, ``12 min 5 s``, ``3 h 20 min``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def parse_share(text: str) -> float:
    """Read a share of the total: ``1%``, ``0.5 %`` or ``1`` (per cent too), as a fraction.

    Raises
    ------
    ValueError
        No number, or one outside 0 to 100 per cent.
    """
    percent = float(text.strip().removesuffix("%"))
    if not 0 <= percent <= 100:
        raise ValueError(text)
    return percent / 100

"""Figures for people: binary units with three significant digits, counts, shares, seconds."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_FACTORS = {"": 1, "b": 1}
_FACTORS.update((f"{letter}ib", 1024**power) for power, letter in enumerate("kmgt", 1))
_FACTORS.update((f"{letter}b", 1000**power) for power, letter in enumerate("kmgt", 1))


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


def parse_size(text: str) -> int:
    """Read a size in bytes: ``512KiB``, ``1.5 GiB``, ``500MB`` (decimal), ``2000000``.

    Raises
    ------
    ValueError
        No size, or none above 0.
    """
    digits = text.strip()
    unit = digits.lstrip("0123456789.")
    factor = _FACTORS.get(unit.strip().lower())
    number = digits[: len(digits) - len(unit)]
    if factor is None or not 0 < len(number) < 40 or number.count(".") > 1 or number == ".":
        raise ValueError(f"not a size like 500MiB: {text!r}")
    whole, _, fraction = number.partition(".")
    scale = 10 ** len(fraction)
    size: int = int(whole + fraction) * factor // scale
    if not 0 < size < 2**63:
        raise ValueError(f"not a size that a process can have: {text!r}")
    return size


def exact_size(count: int) -> str:
    """Write a number of bytes so that it can be read back, without a space: ``500MiB``, ``1000``.

    Examples
    --------
    >>> exact_size(500 << 20), exact_size(1536 << 20), exact_size(1000)
    ('500MiB', '1536MiB', '1000')
    """
    for power, unit in reversed(list(enumerate(_UNITS))):
        if power and count % 1024**power == 0 and count:
            return f"{count // 1024**power}{unit}"
    return str(count)


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

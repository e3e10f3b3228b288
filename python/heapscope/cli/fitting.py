"""Text that is safe to show and fits: no control characters, and no wider than its place.

Widths are cells of a terminal: most letters take one, many East Asian ones and emoji two, accents
none. Names in a capture come from the recorded program and may hold anything.
"""

from __future__ import annotations

ELLIPSIS = "…"


def printable(text: str) -> str:
    r"""Write what would not show, or would make a terminal do something, as ``\x1b`` or ``\u202e``.

    Examples
    --------
    >>> print(printable("a\x1b[2Jb\u202e"))
    a\x1b[2Jb\u202e
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def width_of(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fit(text: str, width: int) -> str:
    """Shorten the middle of a text that is too wide; its end says the most in a path.

    Examples
    --------
    >>> fit("a/very/long/path/to/module.py:123", 20)
    'a/very/…odule.py:123'
    """
    text = printable(text)
    if len(text) <= width and width_of(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[: max(width, 0)]
    kept = width - 1
    head = kept * 2 // 5
    return _start(text, head) + ELLIPSIS + _start(text[::-1], kept - head)[::-1]


def fit_end(text: str, width: int) -> str:
    """Shorten the end of a text that is too wide; source says the most at its start."""
    text = printable(text)
    if len(text) <= width and width_of(text) <= width:
        return text
    return _start(text, width - 1) + ELLIPSIS if width > 0 else ELLIPSIS[:0]


def pad(text: str, width: int) -> str:
    """Fit a text and fill it up with blanks to exactly a width."""
    text = fit_end(text, width)
    return text + " " * (width - width_of(text))


def _start(text: str, width: int) -> str:
    """Return as much of a text's start as fits."""
    text = text[: max(width, 0)]
    if text.isascii():
        return text
    while width_of(text) > width:
        text = text[:-1]
    return text

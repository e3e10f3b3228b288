"""Where a figure belongs, for people: short file names and lines of source.

JSON carries ``co_filename`` unchanged; these are for the terminal only.
"""

from __future__ import annotations

import functools
import linecache
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rich.text import Text

_PACKAGE_MARKS = ("/site-packages/", "/dist-packages/")
_NO_FILE = ("", "<native>", "<unknown>")  # what the analysis calls code outside Python
_LIBRARY_MARK = "/lib/python3."


@functools.cache
def is_program(file: str) -> bool:
    """Whether a file is the program's own: neither the standard library's nor a package's."""
    if file in _NO_FILE or file.startswith("<frozen "):
        return False
    return _LIBRARY_MARK not in file and not any(mark in file for mark in _PACKAGE_MARKS)


@functools.cache
def short_file(file: str) -> str:
    """Shorten a file's name: relative to this directory, to site-packages or to the library.

    Examples
    --------
    >>> short_file("/opt/venv/lib/python3.11/site-packages/pandas/core/frame.py")
    'pandas/core/frame.py'
    >>> short_file("/usr/lib/python3.11/json/decoder.py")
    'json/decoder.py'
    """
    if not file.startswith("/"):
        return file
    for mark in _PACKAGE_MARKS:
        if mark in file:
            return file.rsplit(mark, 1)[1]
    here = str(Path.cwd()).rstrip("/") + "/"
    if file.startswith(here):
        return file[len(here) :]
    before, found, after = file.rpartition(_LIBRARY_MARK)
    if found and "/" in after:
        return after.split("/", 1)[1]
    return before + found + after


def place(file: str | None, line: int | None) -> str:
    """Write ``FILE:LINE``, as far as they are known."""
    if not file:
        return "(no Python frame)"
    return f"{short_file(file)}:{line}" if line else short_file(file)


def source(file: str | None, line: int | None) -> str:
    """Return the line of source, stripped; empty where the file cannot be read."""
    if not file or not line or file.startswith("<"):
        return ""
    return linecache.getline(file, line).strip()


def fit(text: str, width: int) -> str:
    """Shorten the middle of a text that is too wide; its end says the most in a path.

    Examples
    --------
    >>> fit("a/very/long/path/to/module.py:123", 20)
    'a/very/…odule.py:123'
    """
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    kept = width - 1
    head = kept * 2 // 5
    return text[:head] + "…" + text[len(text) - (kept - head) :]


def fit_end(text: str, width: int) -> str:
    """Shorten the end of a text that is too wide; source says the most at its start."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def call(function: str | None) -> str:
    """Write a function's name as a call; ``<module>`` and the like stay as they are."""
    if not function:
        return "outside Python"
    return function if function.endswith(">") else f"{function}()"


def label_maker(row: dict[str, Any]) -> Callable[[int], Text]:
    """Return what makes a row's label for a width: place and function, then the source."""

    def make(width: int) -> Text:
        from rich.text import Text

        file, line = row.get("file"), row.get("line")
        where, function = place(file, line), row.get("function") or ""
        label = Text(fit_pair(where, function, width))
        text = source(file, line)
        if text:
            label.append("\n  " + fit_end(text, width - 2), style="dim")
        return label

    return make


def fit_pair(where: str, function: str, width: int) -> str:
    """Write ``PLACE  FUNCTION`` within a width; the place may take all but a third of it."""
    if not function:
        return fit(where, width)
    room = max(width - len(where) - 2, width // 3)
    function = fit(function, room)
    return f"{fit(where, width - len(function) - 2)}  {function}"

"""Where a figure belongs, for people: short file names and lines of source.

JSON carries ``co_filename`` unchanged; these are for the terminal only.
"""

from __future__ import annotations

import functools
import linecache
import os
import stat
from pathlib import Path

from heapscope.cli.fitting import fit, fit_end, printable, width_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rich.text import Text

_PACKAGE_MARKS = ("/site-packages/", "/dist-packages/")
_NO_FILE = ("", "<native>", "<unknown>")  # what the analysis calls code outside Python
_LIBRARY_MARK = "/lib/python3."
_MOST_SOURCE = 16 << 20  # bytes: no file of source is larger, but a name may be any file's

__all__ = [
    "call",
    "dotted",
    "fit",
    "fit_end",
    "fit_pair",
    "function_of",
    "label_maker",
    "package",
    "place",
    "printable",
    "short_file",
    "source",
    "source_lines",
]


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


def package(file: str) -> str:
    """Name the package, or the module on its own, that a library's file is of."""
    return short_file(file).split("/")[0].removesuffix(".py")


def place(file: str | None, line: int | None) -> str:
    """Write ``FILE:LINE``, as far as they are known."""
    if not file or file == "<native>":
        return "(no Python frame)"
    if file == "<unknown>":
        return "(stack unknown)"
    return f"{short_file(file)}:{line}" if line else short_file(file)


def source(file: str | None, line: int | None) -> str:
    """Return the line of source, stripped; empty where the file cannot be read."""
    if not file or not line:
        return ""
    lines = source_lines(file)
    return lines[line - 1].strip() if line <= len(lines) else ""


def source_lines(file: str) -> list[str]:
    """Return a file's lines with their ends; none where it cannot be read or is no plain file."""
    return linecache.getlines(file) if _is_readable(file) else []


@functools.cache
def _is_readable(file: str) -> bool:
    """Whether a name is that of a file of source: a pipe would block, a device never end."""
    if file.startswith("<"):
        return False
    try:
        found = os.stat(file)  # noqa: PTH116
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= _MOST_SOURCE


def call(function: str | None) -> str:
    """Write a function's name as a call; ``<module>`` and the like stay as they are."""
    if not function:
        return "outside Python"
    return function if function.endswith(">") else f"{function}()"


def dotted(row: dict[str, Any]) -> str:
    """Write a library's function as people call it: ``json.loads()``.

    Examples
    --------
    >>> dotted({"file": "/usr/lib/python3.11/json/__init__.py", "function": "loads"})
    'json.loads()'
    """
    file = short_file(row["file"])
    if file.startswith("<frozen ") and file.endswith(">"):
        module = file[8:-1]
    elif file.startswith("<"):
        return call(row["function"])
    else:
        module = file.removesuffix(".py").removesuffix("/__init__").lstrip("/").replace("/", ".")
    function = row["function"] or ""
    return f"import of {module}" if function == "<module>" else f"{module}.{call(function)}"


def function_of(row: dict[str, Any]) -> str:
    """Return a row's function; empty where its place says all there is to say."""
    return "" if row.get("file") in _NO_FILE else row.get("function") or ""


def label_maker(row: dict[str, Any]) -> Callable[[int], Text]:
    """Return what makes a row's label for a width: place and function, then the source."""

    def make(width: int) -> Text:
        from rich.text import Text

        file, line = row.get("file"), row.get("line")
        where, function = place(file, line), function_of(row)
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
    where = printable(where)
    function = fit(function, max(width - width_of(where) - 2, width // 3))
    return f"{fit(where, width - width_of(function) - 2)}  {function}"

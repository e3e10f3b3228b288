# ruff: noqa: PTH116
# Pathlib is not loaded into a program that does not use it.
"""The lines of a function's source, as far as they are known to be those that ran."""

from __future__ import annotations

import linecache
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import CodeType
    from typing import Any

    Stamp = tuple[int, int]  # of a file: st_mtime_ns and st_size

_MOST_SOURCE = 64 << 20  # bytes: no file of source is larger, but a name may be any file's
_SUFFIXES = (".py", ".pyw", ".pyi")
_CHANGED = "the source has changed since it ran: contents are blank"
_MISSING = "the source is not there: contents are blank"
_NEVER = "this code has no source file: contents are blank"


class Block:
    """A function's lines.

    Attributes
    ----------
    rows : list of (int, str)
        Numbers and texts, in order; a text has no line end, and is empty where it is not known.
    remark : str
        Why texts are not known; empty where they are.
    """

    def __init__(self, rows: list[tuple[int, str]], remark: str = "") -> None:
        self.rows = rows
        self.remark = remark


def stamp_of(file: str) -> Stamp | None:
    """Return what tells one state of a file from another; None where there is no file."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def block_of(
    function: Mapping[str, Any],
    *,
    stamp: Stamp | None = None,
    changed_after_ns: int | None = None,
    given: Mapping[str, Sequence[str]] | None = None,
    directory: str | None = None,
    only_python: bool = False,
) -> Block:
    """Return the lines of a function in a line profile.

    Parameters
    ----------
    function : mapping
        Its entry in the profile.
    stamp : (int, int), optional
        Of the file when the function was made: another one now means that it has changed.
    changed_after_ns : int, optional
        When the program started, in ns since 1970. A file that is younger may be another than what
        ran, and is shown only where it has a function of this name at these lines.
    given : mapping of str to sequence of str, optional
        Sources that no file has, by the code's file name.
    directory : str, optional
        Where relative names start.
    only_python : bool
        Read nothing but files that are named as Python sources are: the name is a stranger's.
    """
    file = function["file"]
    seen = sorted(row["line"] for row in function["lines"] if row["line"])
    if given is not None and file in given:
        return _block(list(given[file]), function, seen)
    if stamp is not None and stamp_of(file) not in (None, stamp):
        return Block(_blank(seen), _CHANGED)
    if directory is not None and not file.startswith(("/", "<")):
        file = os.path.join(directory, file)  # noqa: PTH118
    lines = [] if only_python and not file.endswith(_SUFFIXES) else _read(file)
    if not lines:
        return Block(_blank(seen), _NEVER if file.startswith("<") else _MISSING)
    if changed_after_ns is not None:
        now = stamp_of(file)
        if now is not None and now[0] >= changed_after_ns and not _fits(lines, function, seen):
            return Block(_blank(seen), _CHANGED)
    return _block(lines, function, seen)


def _read(file: str) -> list[str]:
    if not file:
        return []
    cached = linecache.cache.get(file)
    if cached is None or len(cached) == 1 or cached[1] is not None:
        # A notebook's cells have no file and stay; others are read again if they changed.
        try:
            found = os.stat(file)
        except (OSError, ValueError):
            if cached is not None and file.startswith("<"):
                return _without_ends(linecache.getlines(file))
            return _without_ends(_from_loader(file))
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_SOURCE:
            return []
        linecache.checkcache(file)
    return _without_ends(linecache.getlines(file))


def _from_loader(file: str) -> list[str]:
    """Return source that no file of its own has: a module in a zip archive."""
    import sys

    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        if names.get("__file__") == file and names.get("__loader__") is not None:
            return linecache.getlines(file, names)
    return []


def _without_ends(lines: Iterable[str]) -> list[str]:
    return [line.rstrip("\r\n\f") for line in lines]


def _blank(seen: Sequence[int]) -> list[tuple[int, str]]:
    return [(number, "") for number in seen]


def _block(lines: list[str], function: Mapping[str, Any], seen: Sequence[int]) -> Block:
    first = function["first_line"] or (seen[0] if seen else 1)
    if function["function"] == "<module>":
        first, last = 1, len(lines)
    else:
        last = _last_line(lines, first)
    last = max([last, *seen])
    first = min([first, *seen])
    shown = [
        (number, lines[number - 1] if number <= len(lines) else "")
        for number in range(first, last + 1)
    ]
    remark = _CHANGED if last > len(lines) else ""
    return Block([(number, "") for number in seen] if remark else shown, remark)


def _last_line(lines: list[str], first: int) -> int:
    """Find the end of the function or class that begins at a line."""
    import inspect
    import tokenize

    try:
        return first + len(inspect.getblock([line + "\n" for line in lines[first - 1 :]])) - 1
    except (tokenize.TokenError, SyntaxError, IndexError):
        return first


def _fits(lines: list[str], function: Mapping[str, Any], seen: Sequence[int]) -> bool:
    """Whether a source has code of that name at that place, with code on all lines that ran."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = compile("\n".join(lines) + "\n", function["file"], "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    pending: list[CodeType] = [module]
    while pending:
        code = pending.pop()
        name = getattr(code, "co_qualname", code.co_name)
        same = name == function["function"] and code.co_firstlineno == function["first_line"]
        if same or code.co_name == function["function"] == "<module>":
            known = {line for _, _, line in code.co_lines()} | {code.co_firstlineno}
            return known.issuperset(seen)
        pending += [each for each in code.co_consts if hasattr(each, "co_firstlineno")]
    return False

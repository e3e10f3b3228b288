"""What ``run`` does with a capture after the program's end.

Imported while the program runs, so that its imports cost nobody time.
"""

from __future__ import annotations

import os

from heapscope.cli.main import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis

_missing = ""
try:
    from heapscope import _analysis
    from heapscope.errors import HeapscopeError
except ImportError as error:  # said at the end: the program runs by now
    _missing = str(error)


def seal(path: str, status: int | None) -> None:
    """Seal a capture and note how the program ended; say so in one line if that fails.

    Parameters
    ----------
    path : str
        The live capture. If it cannot be sealed it stays as it is, which every reader accepts.
    status : int or None
        The exit code, -n for signal n, None when unknown.
    """
    if _missing:
        say(f"{_short(path)} was recorded but not sealed: {_missing}")
        return
    try:
        if status is None:
            _analysis.seal(path)
        else:
            _analysis.seal(path, exit_status=status)
    except (HeapscopeError, OSError, RuntimeError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        say(f"{_short(path)} was recorded but not sealed, which costs space only: {reason}")


def say_where(path: str) -> None:
    """Name the capture and the next thing to do."""
    name = _short(path)
    say(f"wrote {name}; next: heapscope summary {name}")


def say_unrecorded() -> None:
    """Say at the end what was said at the start: there is no capture."""
    say("the program ran without being recorded: there is no capture")


def _short(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative

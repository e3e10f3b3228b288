"""What a full screen needs before it is opened: `heapscope top`, `heapscope heap --browse`."""

from __future__ import annotations

import os
import sys

from heapscope.cli.command_error import CommandError

__all__ = ["prepare"]


def prepare(what: str, instead: str, *, no_color: bool) -> None:
    """Load Textual, where there is a terminal that can be drawn on.

    Parameters
    ----------
    what, instead : str
        What needs the screen, and what to do without: parts of the sentence that refuses.
    no_color : bool
        Draw without colours.

    Raises
    ------
    CommandError
        There is no such terminal, or Textual is not installed.
    """
    _check_terminal(what, instead)
    try:
        import textual  # noqa: F401
    except ImportError:
        raise CommandError(
            f"{what} needs Textual: pip install 'heapscope[tui]'; {instead}"
        ) from None
    if no_color:
        os.environ["NO_COLOR"] = "1"


def _check_terminal(what: str, instead: str) -> None:
    if not (_is_terminal(sys.stdout) and _is_terminal(sys.stdin)):
        raise CommandError(f"{what} needs a terminal; {instead}")
    kind = os.environ.get("TERM", "")
    if kind in ("", "dumb", "unknown"):
        raise CommandError(f"this terminal (TERM={kind}) has no full screen; {instead}")
    encoding = getattr(sys.stdout, "encoding", None) or ""
    if not encoding.lower().replace("-", "").startswith("utf8"):
        raise CommandError(f"{what} draws with Unicode, this terminal has {encoding}; {instead}")


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):  # None, or closed
        return False

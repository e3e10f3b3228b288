"""Opens a capture for a verb, and says on stderr what a reader must know about it."""

from __future__ import annotations

from pathlib import Path

from heapscope.cli.command_error import DAMAGED, CommandError
from heapscope.cli.main import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis


def open_capture(path: str) -> _analysis.Capture:
    """Open a capture.

    Raises
    ------
    CommandError
        No such file, no capture, a capture of another version.
    """
    try:
        from heapscope import _analysis
        from heapscope.errors import HeapscopeError
    except ImportError as error:
        raise CommandError(f"the analysis cannot be loaded: {error}; reinstall heapscope") from None
    try:
        return _analysis.Capture(path)
    except HeapscopeError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"cannot read {path!r}: {error.strerror or error}") from None


def remark(capture: _analysis.Capture, path: str, quiet: bool) -> int:
    """Say what is special about a capture, and return the verb's exit code."""
    name = Path(path).name
    if capture.damage:
        first, *others = capture.damage
        more = f" (and {len(others)} more)" if others else ""
        say(f"{name} is damaged: {first}{more}")
        return DAMAGED
    if not capture.complete and not quiet:
        say(
            f"{name}: the program was killed or still runs; the figures are those of its last event"
        )
    return 0

"""Opens a capture for a verb, and says on stderr what a reader must know about it."""

from __future__ import annotations

import os

from heapscope.cli.failure import DAMAGED, Failure
from heapscope.cli.main import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis


def open_capture(path: str) -> _analysis.Capture:
    """Open a capture.

    Raises
    ------
    Failure
        No such file, no capture, a capture of another version.
    """
    try:
        from heapscope import _analysis
        from heapscope.errors import HeapscopeError
    except ImportError as error:
        raise Failure(f"the analysis cannot be loaded: {error}; reinstall heapscope") from None
    try:
        return _analysis.Capture(path)
    except HeapscopeError as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"cannot read {path!r}: {error.strerror or error}") from None


def remark(capture: _analysis.Capture, path: str, quiet: bool) -> int:
    """Say what is special about a capture, and return the verb's exit code."""
    name = os.path.basename(path)
    if capture.damage:
        say(f"{name} is damaged: {capture.damage}")
        return DAMAGED
    if not capture.complete and not quiet:
        say(
            f"{name}: the program was killed or still runs; the figures are those of its last event"
        )
    return 0

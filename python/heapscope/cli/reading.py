"""Opens a capture for a verb, and says on stderr what a reader must know about it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from heapscope.cli import progress
from heapscope.cli.command_error import DAMAGED, CommandError
from heapscope.cli.main import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis


def open_capture(path: str) -> _analysis.Capture:
    """Open a capture; seal it if it is in the form that a tracker writes and nobody writes it.

    Raises
    ------
    CommandError
        No such file, no capture, a capture of another version.
    """
    try:
        from heapscope import _analysis
        from heapscope.errors import HeapscopeError
    except ImportError as error:
        raise CommandError(f"the analysis cannot be loaded: {error}") from None
    with progress.working(f"reading {Path(path).name}"):
        try:
            capture = _analysis.Capture(path)
        except HeapscopeError as error:
            raise CommandError(str(error), error.exit_code) from None
        except OSError as error:
            raise CommandError(f"cannot read {path!r}: {error.strerror or error}") from None
    if capture.form == "live" and not capture.damage and _is_over(capture):
        # Sealing saves space; a place that cannot be written is no reason to say anything.
        with (
            progress.working(f"sealing {Path(path).name}"),
            contextlib.suppress(HeapscopeError, OSError),
        ):
            _analysis.seal(path)
    return capture


def remark(capture: _analysis.Capture, path: str, quiet: bool) -> int:
    """Say what is special about a capture, and return the verb's exit code."""
    name = Path(path).name
    if capture.damage:
        first, *others = capture.damage
        more = f" (and {len(others)} more)" if others else ""
        say(f"{name} is damaged: {first}{more}")
        return DAMAGED
    if not capture.complete and not quiet:
        if _is_over(capture):
            say(f"{name}: the program was killed; the figures are those of its last event")
        else:
            say(f"{name}: the program still runs; the figures are those of this moment")
    return 0


def _is_over(capture: _analysis.Capture) -> bool:
    """Whether nothing will be written to a capture any more, as far as this host can tell."""
    if capture.complete or capture.metadata.get("exit_status"):
        return True
    if capture.metadata.get("host") != os.uname().nodename:
        return False
    try:
        os.kill(int(capture.metadata.get("process_id", "")), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OSError):
        return False
    return False

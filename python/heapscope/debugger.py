"""Stops a program in pdb when its memory has passed a limit.

Imported before tracking starts, so that what pdb is made of is not in the program's figures. What
pdb allocates while it is used is, on stacks of its own frames.
"""

from __future__ import annotations

import os
import pdb
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120


def stop(what: str, now: int, limit: int) -> None:
    """Stop in the debugger, in the frame that called.

    Parameters
    ----------
    what : str
        ``heap`` or ``rss``.
    now, limit : int
        What it came to and what it was not to pass, in bytes.
    """
    from heapscope.cli.units import size

    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return
    name = "the heap" if what == "heap" else "RSS"
    line = f"heapscope: {name} is at {size(now)}, past the limit of {size(limit)}: stopping in pdb"
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # closed, full or None: nobody to tell
        pass
    pdb.Pdb().set_trace(frame)

"""The one way a verb ends early: a line for stderr and an exit code."""

from __future__ import annotations

CHECK_FAILED = 1
USAGE = 2
DAMAGED = 3


class CommandError(Exception):
    """Says in one line what went wrong, where, and what to do.

    Parameters
    ----------
    message : str
        The line, without prefix or line end.
    exit_code : int
        2 for wrong usage or unusable input, 3 for a damaged file.
    """

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code

"""The exceptions that heapscope raises on purpose: one line of what, where and what to do."""

from __future__ import annotations


class HeapscopeError(Exception):
    """Base of all errors of heapscope.

    Attributes
    ----------
    exit_code : int
        What the command line exits with when it ends for this reason.
    """

    exit_code: int = 2


class _FileError(HeapscopeError):
    def __init__(self, message: str, *, path: str | None = None, offset: int = 0) -> None:
        super().__init__(message if path is None else f"{path}: {message}")
        self.path = path
        self.offset = offset


class CaptureError(_FileError):
    """A capture cannot be read or stored.

    Parameters
    ----------
    message : str
        What is wrong.
    path : str, optional
        The file.
    offset : int
        Of the byte in the file where it went wrong.
    """


class SnapshotError(_FileError):
    """A heap snapshot cannot be taken, read or stored.

    Parameters
    ----------
    message : str
        What is wrong.
    path : str, optional
        The file.
    offset : int
        Of the byte in the file where it went wrong.
    """


class TrackingError(HeapscopeError):
    """Tracking cannot be started, or not in this way."""

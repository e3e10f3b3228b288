"""Opens a heap snapshot for a verb, and tells one from a capture."""

from __future__ import annotations

from pathlib import Path

from heapscope.cli import progress
from heapscope.cli.command_error import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis

_MAGIC = b"HSNAP"  # of both forms


def is_snapshot(path: str) -> bool:
    """Whether a file is a heap snapshot by its first bytes, or by its name where it has none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - any name
            begin = file.read(len(_MAGIC))
    except (OSError, ValueError):
        begin = b""
    return begin == _MAGIC or (not begin.strip(b"\0") and path.endswith(".hsnap"))


def open_snapshot(path: str) -> _analysis.HeapGraph:
    """Open a heap snapshot.

    Raises
    ------
    CommandError
        No such file, no heap snapshot, one of another version, a damaged one.
    """
    try:
        from heapscope import _analysis
        from heapscope.errors import HeapscopeError
    except ImportError as error:
        raise CommandError(f"the analysis cannot be loaded: {error}") from None
    with progress.working(f"reading {Path(path).name}"):
        try:
            return _analysis.HeapGraph(path)
        except HeapscopeError as error:
            raise CommandError(str(error), error.exit_code) from None
        except OSError as error:
            raise CommandError(f"cannot read {path!r}: {error.strerror or error}") from None

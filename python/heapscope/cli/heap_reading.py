"""Opens heap snapshots for verbs, and keeps them in files."""

from __future__ import annotations

import os
from pathlib import Path

from heapscope.cli import progress
from heapscope.cli.command_error import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.objects.snapshot import Heap

__all__ = ["check_output", "is_snapshot", "load", "save"]

_MAGIC = b"HSNAP"


def is_snapshot(path: str) -> bool:
    """Whether a name is that of a heap snapshot, by its ending or its first bytes."""
    if path.endswith(".hsnap"):
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except (OSError, ValueError):
        return False


def load(path: str) -> Heap:
    """Open a snapshot.

    Raises
    ------
    CommandError
        No such file, no snapshot, a damaged one.
    """
    try:
        from heapscope.errors import HeapscopeError
        from heapscope.objects.snapshot import Heap
    except ImportError as error:
        raise CommandError(f"the analysis cannot be loaded: {error}") from None
    with progress.working(f"reading {Path(path).name}"):
        try:
            return Heap.load(path)
        except HeapscopeError as error:
            raise CommandError(str(error), error.exit_code) from None
        except OSError as error:
            raise CommandError(f"cannot read {path!r}: {error.strerror or error}") from None
        except MemoryError:
            raise CommandError(f"not enough memory to read {path!r}") from None


def check_output(path: str | None, *, force: bool) -> None:
    """Make sure that a snapshot can be kept at a path, before anything is run.

    Raises
    ------
    CommandError
        There is a file and `force` is false, or the place cannot be written.
    """
    if path is None:
        return
    if path == "":
        raise CommandError("-o needs a file name, not an empty one")
    from heapscope.errors import HeapscopeError
    from heapscope.report.files import check_free

    try:
        check_free(path, force=force)
    except HeapscopeError as error:
        raise CommandError(str(error)) from None
    directory = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    if not os.access(directory, os.W_OK | os.X_OK):
        raise CommandError(f"cannot write {path!r}: no such directory, or it is not writable")


def save(heap: Heap, path: str, *, force: bool) -> None:
    """Keep a snapshot in a file.

    Raises
    ------
    CommandError
        It cannot be written.
    """
    check_output(path, force=force)
    try:
        heap.save(path)
    except OSError as error:
        raise CommandError(f"cannot write {path!r}: {error.strerror or error}") from None

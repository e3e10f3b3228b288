"""Results in files: written wholly or not at all, and never over another file unasked."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat

from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


def write_new(path: str | os.PathLike[str], data: bytes, *, force: bool = False) -> None:
    """Write a file: into a temporary one beside it, which then takes its name.

    Parameters
    ----------
    path : str or os.PathLike
        The file; where it is a link, what it leads to.
    data : bytes
        What to write.
    force : bool
        Replace a regular file that is there.

    Raises
    ------
    heapscope.HeapscopeError
        There is a file and `force` is false, it is no regular file, or it cannot be written.
    """
    with new_file(path, force=force) as file:
        file.write(data)


@contextlib.contextmanager
def new_file(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[BinaryIO]:
    """Write a file piece by piece: it takes its name when the body has ended without an error.

    Parameters and errors are those of `write_new`.
    """
    name = os.fspath(path)
    check_free(path, force=force)
    target = os.path.realpath(name)
    temporary = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        try:
            with open(temporary, "xb") as file:  # noqa: PTH123 - bytes of any name
                yield file
            if force:
                os.replace(temporary, target)  # noqa: PTH105
            else:
                _take_name(temporary, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)  # noqa: PTH108
    except FileExistsError:
        raise _exists(name) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise HeapscopeError(f"cannot write {name!r}: {reason or error}") from None


def check_free(path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Refuse, before any work is done, what `write_new` would refuse.

    Raises
    ------
    heapscope.HeapscopeError
        There is a file and `force` is false, or it is no regular file.
    """
    name = os.fspath(path)
    try:
        there = os.stat(name)  # noqa: PTH116
    except (OSError, ValueError):
        return  # nothing there, or writing will tell
    if not stat.S_ISREG(there.st_mode):
        raise HeapscopeError(f"{name!r} is no regular file; name another with -o")
    if not force:
        raise _exists(name)


def _take_name(temporary: str, target: str) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.replace(temporary, target)  # noqa: PTH105


def _exists(name: str) -> HeapscopeError:
    return HeapscopeError(f"{name!r} exists; --force replaces it")

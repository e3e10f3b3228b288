"""The .dat files of a directory: their names, choosing among them, removing them."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from heapscope.timeline.dat_reader import TimelineError

_NAME = re.compile(r"mprofile_\d{14}\.dat")
_FIRST_WORDS = (b"CMDLINE ", b"MEM ", b"CHLD ", b"FUNC ", b"INFO ")
_MOST_TRIES = 100


def new_file(path: str | None, *, force: bool = False) -> tuple[str, int]:
    """Make a .dat file.

    Parameters
    ----------
    path : str or None
        Its name; None for ``mprofile_YYYYMMDDhhmmss.dat`` in this directory, of the first second
        from now that has none.
    force : bool
        Replace a regular file that is there.

    Returns
    -------
    path, descriptor
        The name, and the file opened for appending.

    Raises
    ------
    TimelineError
        There is one, or it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_EXCL
    try:
        if path is not None:
            if force and Path(path).is_file():
                Path(path).unlink()
            return path, os.open(path, flags, 0o644)
        now = time.time()
        for later in range(_MOST_TRIES):
            name = time.strftime("mprofile_%Y%m%d%H%M%S.dat", time.localtime(now + later))
            try:
                return name, os.open(name, flags, 0o644)
            except FileExistsError:
                continue
    except FileExistsError:
        raise TimelineError(f"{path!r} exists: choose another, or --force to replace it") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        shown = path or "a .dat file in this directory"
        raise TimelineError(f"cannot write {shown!r}: {reason}; choose a place with -o") from None
    raise TimelineError("no free name mprofile_….dat in this directory; give one with -o")


def existing() -> list[str]:
    """List the files of this directory that have names as `new_file` gives, oldest first."""
    with os.scandir() as entries:
        return sorted(
            entry.name
            for entry in entries
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        )


def made_at(name: str) -> time.struct_time | None:
    """Return the local time that a file's name tells."""
    try:
        return time.strptime(name, "mprofile_%Y%m%d%H%M%S.dat")
    except ValueError:
        return None


def chosen(names: list[str]) -> list[str]:
    """Return the files that names or indices mean, each once; without any, the newest.

    An index counts the files of this directory: 0 is the oldest, -1 the newest.

    Raises
    ------
    TimelineError
        There is none.
    """
    there = existing()
    if not names:
        if not there:
            raise TimelineError(
                "no mprofile_….dat in this directory: `heapscope timeline run PROGRAM` makes one"
            )
        return [there[-1]]
    found: list[str] = []
    for name in names:
        path = _by_index(name, there) if not Path(name).exists() else name
        if path is None:
            raise TimelineError(f"no such file: {name!r}")
        if path not in found:
            found.append(path)
    return found


def _by_index(name: str, there: list[str]) -> str | None:
    try:
        index = int(name)
    except ValueError:
        return None
    try:
        return there[index]
    except IndexError:
        raise TimelineError(
            f"no file number {index}: there are {len(there)}; `heapscope timeline list` shows them"
        ) from None


def with_companions(paths: list[str]) -> list[str]:
    """Add the files ``NAME_ts.dat`` that old versions of mprof wrote beside these."""
    found = list(paths)
    for path in paths:
        stem, suffix = os.path.splitext(path)  # noqa: PTH122
        companion = f"{stem}_ts{suffix}"
        if Path(companion).is_file() and companion not in found:
            found.append(companion)
    return found


def check_removable(path: str) -> None:
    """Refuse to remove what is no .dat file.

    Raises
    ------
    TimelineError
        It is a directory, cannot be read, or begins with nothing that a .dat file begins with.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            begin = file.read(8)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise TimelineError(f"cannot read {path!r}: {reason}") from None
    if begin and not begin.startswith(_FIRST_WORDS):
        raise TimelineError(f"{path!r} is no .dat file of mprof or heapscope: not removed")


def remove(paths: list[str]) -> None:
    """Remove files, all or, if one is no .dat file, none.

    Raises
    ------
    TimelineError
        One is no .dat file, or cannot be removed.
    """
    for path in paths:
        check_removable(path)
    for path in paths:
        try:
            Path(path).unlink()
        except OSError as error:
            raise TimelineError(f"cannot remove {path!r}: {error.strerror}") from None

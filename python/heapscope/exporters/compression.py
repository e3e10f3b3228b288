"""Where the bytes of an export go: into a file as they are, or gzipped."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from typing import BinaryIO, cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["receiver"]

_GZIP_LEVEL = 6


@contextmanager
def receiver(file: BinaryIO, *, compress: bool) -> Iterator[Callable[[bytes], object]]:
    """Yield the function that takes an export's bytes; the same bytes give the same file."""
    if not compress:
        yield file.write
        return
    # No name and no time inside.
    with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as compressed:
        yield cast("BinaryIO", compressed).write

"""Which files are the project's own, and what they are called for short."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from django.conf import settings


class Project:
    """The directory ``BASE_DIR``, less the packages that are installed below it."""

    def __init__(self) -> None:
        base = getattr(settings, "BASE_DIR", None)
        self._directory = None if base is None else str(Path(base).resolve()).rstrip("/") + "/"
        self._installed = tuple(
            os.path.realpath(path) + os.sep
            for key, path in sysconfig.get_paths().items()
            if key in ("stdlib", "platstdlib", "purelib", "platlib")
        )

    def has(self, file: str) -> bool:
        """Whether a file is the project's; none is where there is no ``BASE_DIR``."""
        return (
            self._directory is not None
            and file.startswith(self._directory)
            and not file.startswith(self._installed)
        )

    def short(self, file: str) -> str:
        """Return a file's name from the project's directory, or from the packages'."""
        for directory in (self._directory, *self._installed):
            if directory is not None and file.startswith(directory):
                return file[len(directory) :]
        return file

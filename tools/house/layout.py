"""Where things are: the tree and everything that is made, which all lies under ``build/``."""

from __future__ import annotations

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
ENVIRONMENTS = BUILD / "venv"
REPORTS = BUILD / "reports"
WHEELHOUSE = BUILD / "wheelhouse"
WHEELS = ROOT / "dist"

MINORS = ("3.10", "3.11", "3.12", "3.13", "3.14")
"""The CPython versions the package supports."""


def cache() -> pathlib.Path:
    """Where results that serve every clone are kept; made when missing."""
    home = pathlib.Path.home()
    user = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    directory = user / "heapscope-house" if os.access(home, os.W_OK) else BUILD / "cache"
    directory.mkdir(parents=True, exist_ok=True)
    return directory

"""Where things are: the tree and everything that is made, which all lies under ``build/``."""

from __future__ import annotations

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
ENVIRONMENTS = BUILD / "venv"
REPORTS = BUILD / "reports"
WHEELHOUSE = BUILD / "wheelhouse"
WHEELS = ROOT / "dist"

MINORS = ("3.10", "3.11", "3.12", "3.13", "3.14")
"""The CPython versions the package supports."""

"""Captures in the formats of other tools; docs/export.md describes each.

`formats.FORMATS` is the one list of them. What grows with a capture is written in C++
(src/exporters); a format that needs a Python library is a module here.
"""

from __future__ import annotations

from heapscope.exporters.formats import FORMATS, Format
from heapscope.exporters.writing import export, export_to

__all__ = ["FORMATS", "Format", "export", "export_to"]

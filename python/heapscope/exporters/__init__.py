"""Captures and heap snapshots in the formats of other tools; docs/export.md describes each.

`formats.FORMATS` and `heap_formats.HEAP_FORMATS` list them. What grows with a capture or a heap is
written in C++ (src/exporters); a format that needs a Python library is a module here.
"""

from __future__ import annotations

from heapscope.exporters.formats import FORMATS, Format
from heapscope.exporters.heap_formats import HEAP_FORMATS
from heapscope.exporters.writing import export, export_to

__all__ = ["FORMATS", "HEAP_FORMATS", "Format", "export", "export_to"]

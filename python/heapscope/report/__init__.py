"""The HTML report of a capture, or of two that are compared: one file that needs nothing else."""

from __future__ import annotations

from heapscope.report.document import Report

__all__ = ["Report"]

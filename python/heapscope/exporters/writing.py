"""Writes a capture in one format: to a file, wholly or not at all, or to a stream."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from heapscope.errors import HeapscopeError
from heapscope.exporters.compression import receiver
from heapscope.exporters.formats import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis
    from heapscope.exporters.formats import Format


def export(
    capture: _analysis.Capture,
    name: str,
    path: str | os.PathLike[str] | None = None,
    *,
    metric: str = "peak",
    force: bool = False,
) -> str:
    """Write a capture to a file.

    Parameters
    ----------
    capture : heapscope._analysis.Capture
        What to write.
    name : str
        A name in `formats.FORMATS`.
    path : str or os.PathLike, optional
        The file, or the directory of a format that is one; without one it is named after the
        capture. If it ends in ``.gz`` it is gzipped.
    metric : {"peak", "live", "allocated", "temporary", "count"}
        What stacks weigh, in formats that show one metric.
    force : bool
        Replace a file that is there.

    Returns
    -------
    str
        The file's name.

    Raises
    ------
    heapscope.HeapscopeError
        No such format, the format cannot hold that metric, or the file is there or cannot be
        written.
    """
    from heapscope.report.files import new_file

    chosen = format_named(name, metric)
    target = os.fspath(path) if path is not None else default_path(capture.path, chosen)
    if _is_same(target, capture.path):
        raise HeapscopeError(f"{target!r} is the capture; name another file")
    if chosen.tables:
        from heapscope.exporters.table_files import write_tables

        write_tables(capture, chosen.tables, target, force=force)
        return target
    with new_file(target, force=force) as file:
        _write(capture, chosen, file, metric, compress=target.endswith(".gz"))
    return target


def export_to(
    capture: _analysis.Capture, name: str, stream: BinaryIO, *, metric: str = "peak"
) -> None:
    """Write a capture to an open binary stream.

    Raises
    ------
    heapscope.HeapscopeError
        No such format, or the format cannot hold that metric.
    """
    _write(capture, format_named(name, metric), stream, metric, compress=False)


def format_named(name: str, metric: str) -> Format:
    """Look a format up.

    Raises
    ------
    heapscope.HeapscopeError
        No such format, or the format cannot hold that metric.
    """
    chosen = FORMATS.get(name)
    if chosen is None:
        raise HeapscopeError(f"no such format: {name!r}; there are {', '.join(FORMATS)}")
    if metric not in chosen.metrics:
        known = ", ".join(chosen.metrics)
        raise HeapscopeError(f"{name} cannot hold the metric {metric!r}, only {known}")
    return chosen


def default_path(capture: str, chosen: Format) -> str:
    """Name the export after the capture: ``work.hscope`` gives ``work.speedscope.json``."""
    path = Path(capture)
    stem = path.stem if path.suffix == ".hscope" else path.name
    return str(path.with_name(stem + chosen.suffix))


def _write(
    capture: _analysis.Capture, chosen: Format, file: BinaryIO, metric: str, *, compress: bool
) -> None:
    if chosen.write is None:
        raise HeapscopeError(f"{chosen.tables} is a directory of tables; name one with -o")
    try:
        with receiver(file, compress=compress or chosen.compressed) as receive:
            chosen.write(capture, receive, metric)
    except ValueError as error:
        raise HeapscopeError(str(error)) from None


def _is_same(first: str, second: str) -> bool:
    try:
        return os.path.samefile(first, second)  # noqa: PTH121 - bytes of any name
    except (OSError, ValueError):
        return False

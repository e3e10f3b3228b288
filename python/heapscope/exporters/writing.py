"""Writes a capture or a heap snapshot in one format: files, wholly or not at all, or a stream."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from heapscope.errors import HeapscopeError
from heapscope.exporters.compression import receiver
from heapscope.exporters.formats import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapscope import _analysis
    from heapscope.exporters.formats import Format

    Source = _analysis.Capture | _analysis.HeapGraph


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
    chosen = format_named(FORMATS, name, metric)
    target = os.fspath(path) if path is not None else default_path(capture.path, chosen)
    if _is_same(target, capture.path):
        raise HeapscopeError(f"{target!r} is the capture; name another file")
    write_files(capture, chosen, target, metric=metric, force=force)
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
    write_stream(capture, format_named(FORMATS, name, metric), stream, metric=metric)


def format_named(formats: Mapping[str, Format], name: str, metric: str) -> Format:
    """Look a format up in one of the two lists.

    Raises
    ------
    heapscope.HeapscopeError
        No such format, or the format cannot hold that metric.
    """
    chosen = formats.get(name)
    if chosen is None:
        of = "" if formats is FORMATS else " of a heap snapshot"
        raise HeapscopeError(f"no such format{of}: {name!r}; there are {', '.join(formats)}")
    if metric not in chosen.metrics:
        known = ", ".join(chosen.metrics)
        raise HeapscopeError(f"{name} cannot hold the metric {metric!r}, only {known}")
    return chosen


def default_path(source: str, chosen: Format) -> str:
    """Name the export after its source: ``work.hscope`` gives ``work.speedscope.json``."""
    path = Path(source)
    stem = path.stem if path.suffix in {".hscope", ".hsnap"} else path.name
    return str(path.with_name(stem + chosen.suffix))


def write_files(
    source: Source, chosen: Format, target: str, *, metric: str, force: bool
) -> list[str]:
    """Write the file, or the directory of tables, `target`; return the names of the files.

    Raises
    ------
    heapscope.HeapscopeError
        The format cannot hold this, or a file is there or cannot be written.
    """
    from heapscope.report.files import new_file

    chosen = chosen.for_name(target)
    if chosen.write_tables is not None:
        return chosen.write_tables(source, target, force=force)
    with new_file(target, force=force) as file:
        write_stream(source, chosen, file, metric=metric, compress=target.endswith(".gz"))
    return [target]


def write_stream(
    source: Source, chosen: Format, stream: BinaryIO, *, metric: str, compress: bool = False
) -> None:
    """Write to an open binary stream.

    Raises
    ------
    heapscope.HeapscopeError
        The format is a directory, or cannot hold this.
    """
    if chosen.write is None:
        raise HeapscopeError(f"{chosen.suffix[1:]} is a directory of tables; name one with -o")
    try:
        with receiver(stream, compress=compress or chosen.compressed) as receive:
            chosen.write(source, receive, metric)
    except ValueError as error:
        raise HeapscopeError(str(error)) from None


def _is_same(first: str, second: str) -> bool:
    try:
        return os.path.samefile(first, second)  # noqa: PTH121 - bytes of any name
    except (OSError, ValueError):
        return False

"""Writes a heap snapshot in one format: to a file, wholly or not at all, or to a stream."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import heapscope
from heapscope.errors import HeapscopeError
from heapscope.exporters.compression import receiver
from heapscope.exporters.heap_formats import HEAP_FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis
    from heapscope.exporters.heap_formats import HeapFormat


def export_heap(
    graph: _analysis.HeapGraph,
    name: str,
    path: str | os.PathLike[str],
    *,
    force: bool = False,
) -> str:
    """Write a heap snapshot to a file.

    Parameters
    ----------
    graph : heapscope._analysis.HeapGraph
        What to write.
    name : str
        A name in `heap_formats.HEAP_FORMATS`.
    path : str or os.PathLike
        The file, or the directory of a format that is one. If it ends in ``.gz`` it is gzipped.
    force : bool
        Replace a file that is there.

    Returns
    -------
    str
        The file's name.

    Raises
    ------
    heapscope.HeapscopeError
        No such format, or the file is there or cannot be written.
    """
    from heapscope.report.files import new_file

    chosen = heap_format_named(name)
    target = os.fspath(path)
    if chosen.tables:
        from heapscope.exporters.table_files import write_heap_tables

        write_heap_tables(graph, chosen.tables, target, force=force)
        return target
    with new_file(target, force=force) as file:
        _write(graph, chosen.writer_of(target), file, compress=target.endswith(".gz"))
    return target


def export_heap_to(graph: _analysis.HeapGraph, name: str, stream: BinaryIO) -> None:
    """Write a heap snapshot to an open binary stream.

    Raises
    ------
    heapscope.HeapscopeError
        No such format, or one that is a directory.
    """
    chosen = heap_format_named(name)
    if chosen.tables:
        raise HeapscopeError(f"{chosen.tables} is a directory of tables; name one with -o")
    _write(graph, chosen.writer, stream, compress=False)


def heap_format_named(name: str) -> HeapFormat:
    """Look a format up.

    Raises
    ------
    heapscope.HeapscopeError
        No such format.
    """
    chosen = HEAP_FORMATS.get(name)
    if chosen is None:
        known = ", ".join(HEAP_FORMATS)
        raise HeapscopeError(f"no such format of a heap snapshot: {name!r}; there are {known}")
    return chosen


def default_heap_path(snapshot: str, chosen: HeapFormat) -> str:
    """Name the export after the snapshot: ``work.hsnap`` gives ``work.heapsnapshot``."""
    path = Path(snapshot)
    stem = path.stem if path.suffix == ".hsnap" else path.name
    return str(path.with_name(stem + chosen.suffix))


def heap_title(graph: _analysis.HeapGraph) -> str:
    """Name a snapshot after the program's command, as far as it is known."""
    program, _, rest = graph.info.get("command", "").partition(" ")
    named = f"{program.rsplit('/', 1)[-1]} {rest}".strip()
    return named or f"process {graph.info.get('pid', 'of unknown id')}"


def _write(graph: _analysis.HeapGraph, writer: str, file: BinaryIO, *, compress: bool) -> None:
    title = heap_title(graph).encode("utf-8", "surrogatepass")
    exporter = f"heapscope {heapscope.__version__}"
    with receiver(file, compress=compress) as receive:
        graph.export(writer, receive, title=title, exporter=exporter)

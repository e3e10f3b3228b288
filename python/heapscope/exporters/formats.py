"""What a format is, and those of captures: for each its suffix, who writes it, and what reads it.

A format of captures is an entry of `FORMATS`, one of heap snapshots of `heap_formats.HEAP_FORMATS`.
What a writer has to import, it imports when it is called.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import heapscope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from heapscope import _analysis

    Write = Callable[[bytes], object]

METRICS = ("peak", "live", "allocated", "temporary", "count")


@dataclass(frozen=True)
class Format:
    """One format of captures or of heap snapshots.

    Attributes
    ----------
    suffix : str
        What a file of it is named, after the stem of what is exported.
    write : callable or None
        ``write(source, receive, metric)`` hands the document to ``receive`` piece by piece. It
        raises ValueError, before the first piece, for what the format cannot hold.
    description : str
        What reads it, in a few words.
    metrics : tuple of str
        Those that a capture can be shown by; a heap snapshot has no choice.
    compressed : bool
        Whether a file of it is always gzipped; others are when their name ends in ``.gz``.
    binary : bool
        Whether it would spoil a terminal.
    write_tables : callable or None
        Of what is a directory of tables, in place of `write`: ``write_tables(source, directory,
        force=…)`` returns the files' names.
    variants : mapping of str to Format
        What a file becomes whose name ends so.
    """

    suffix: str
    write: Callable[[Any, Write, str], None] | None
    description: str
    metrics: tuple[str, ...] = METRICS
    compressed: bool = False
    binary: bool = False
    write_tables: Callable[..., list[str]] | None = None
    variants: Mapping[str, Format] = field(default_factory=dict)

    def for_name(self, path: str) -> Format:
        """Return the format of a file of that name: this one or a variant."""
        plain = path.removesuffix(".gz")
        return next((each for end, each in self.variants.items() if plain.endswith(end)), self)


def tables_of(kind: str, write: str) -> Format:
    """Return a format that is a directory of tables; `write` names a function of table_files.py."""

    def write_tables(source: object, directory: str, *, force: bool) -> list[str]:
        from heapscope.exporters import table_files

        files: list[str] = getattr(table_files, write)(source, kind, directory, force=force)
        return files

    readers = {
        "parquet": "pandas, Polars, DuckDB, Spark: a directory of tables",
        "arrow": "pyarrow, Polars: the same tables, ready to be mapped into memory",
    }
    return Format("." + kind, None, readers[kind], binary=True, write_tables=write_tables)


def _native(name: str) -> Callable[[_analysis.Capture, Write, str], None]:
    """Return the writer of a format that src/exporters knows."""

    def write(capture: _analysis.Capture, receive: Write, metric: str) -> None:
        from heapscope.report.manifest import title_of

        summary = capture.summary()
        capture.export(
            name,
            receive,
            metric=metric,
            title=title_of(summary).encode("utf-8", "surrogatepass"),
            exporter=f"heapscope {heapscope.__version__}",
            summary=json.dumps(summary),
        )

    return write


FORMATS: dict[str, Format] = {
    "pprof": Format(
        ".pb.gz",
        _native("pprof"),
        "go tool pprof, Pyroscope, Parca, speedscope",
        metrics=("peak", "live", "allocated", "count"),
        compressed=True,
        binary=True,
    ),
    "speedscope": Format(
        ".speedscope.json", _native("speedscope"), "speedscope.app: flame graphs of every metric"
    ),
    "firefox": Format(
        ".firefox.json",
        _native("firefox"),
        "profiler.firefox.com: stacks by time, heap and RSS over time",
    ),
    "collapsed": Format(
        ".collapsed", _native("collapsed"), "flamegraph.pl, inferno: a line for each stack"
    ),
    "perfetto": Format(
        ".perfetto.json",
        _native("perfetto"),
        "ui.perfetto.dev, chrome://tracing: the timeline",
    ),
    "json": Format(".json", _native("json"), "your own programs: everything, with a schema"),
    "csv": Format(".csv", _native("csv"), "spreadsheets: a row for each site"),
    "dot": Format(".dot", _native("dot"), "Graphviz: the call graph, ready for `dot -Tsvg`"),
    "gprof2dot": Format(
        ".gprof2dot.json", _native("gprof2dot"), "`gprof2dot -f json`: the call graph, pruned there"
    ),
    "tracemalloc": Format(
        ".tracemalloc",
        _native("tracemalloc"),
        "tracemalloc.Snapshot.load in Python",
        metrics=("peak", "live"),
        binary=True,
    ),
    "parquet": tables_of("parquet", "write_tables"),
    "arrow": tables_of("arrow", "write_tables"),
}

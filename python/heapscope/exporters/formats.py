"""The formats: for each its suffix, who writes it, and what it is.

A format is one entry of `FORMATS`. Its writer gets the capture, a function that takes bytes, and
the metric; what it has to import, it imports when it is called.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import heapscope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from heapscope import _analysis

    Write = Callable[[bytes], object]
    Writer = Callable[[_analysis.Capture, Write, str], None]

METRICS = ("peak", "live", "allocated", "temporary", "count")


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes
    ----------
    suffix : str
        What a file of it is named, after the capture's stem.
    write : callable
        ``write(capture, receive, metric)`` hands the document to ``receive`` piece by piece. It
        raises ValueError, before the first piece, for what the format cannot hold.
    description : str
        What reads it, in a few words.
    metrics : tuple of str
        Those that it can show.
    compressed : bool
        Whether a file of it is always gzipped; others are when their name ends in ``.gz``.
    binary : bool
        Whether it would spoil a terminal.
    tables : str
        Of what is a directory of tables (table_files.py), their kind; such have no `write`.
    """

    suffix: str
    write: Writer | None
    description: str
    metrics: tuple[str, ...] = METRICS
    compressed: bool = False
    binary: bool = False
    tables: str = ""


def _native(name: str) -> Writer:
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
    "parquet": Format(
        ".parquet",
        None,
        "pandas, Polars, DuckDB, Spark: a directory of tables",
        binary=True,
        tables="parquet",
    ),
    "arrow": Format(
        ".arrow",
        None,
        "pyarrow, Polars: the same tables, ready to be mapped into memory",
        binary=True,
        tables="arrow",
    ),
}

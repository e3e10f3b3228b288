"""The formats of heap snapshots: for each its suffix, what writes it, and what reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HeapFormat:
    """One format of heap snapshots.

    Attributes
    ----------
    suffix : str
        What a file of it is named, after the snapshot's stem.
    description : str
        What reads it, in a few words.
    writer : str
        Its name in src/exporters; empty where it is a directory of tables.
    by_suffix : mapping of str to str
        Other writers, for names that end so.
    binary : bool
        Whether it would spoil a terminal.
    tables : str
        Of what is a directory of tables (table_files.py), their kind.
    """

    suffix: str
    description: str
    writer: str = ""
    by_suffix: tuple[tuple[str, str], ...] = ()
    binary: bool = False
    tables: str = ""

    def writer_of(self, path: str) -> str:
        """Return the writer of a file of that name."""
        plain = path.removesuffix(".gz")
        return next((name for end, name in self.by_suffix if plain.endswith(end)), self.writer)


HEAP_FORMATS: dict[str, HeapFormat] = {
    "heapsnapshot": HeapFormat(
        ".heapsnapshot", "Chrome DevTools: load it in the Memory panel", "heapsnapshot"
    ),
    "perfetto": HeapFormat(
        ".perfetto-trace",
        "ui.perfetto.dev, trace processor: a heap graph",
        "perfetto",
        binary=True,
    ),
    "networkx": HeapFormat(
        ".edgelist",
        "networkx.read_edgelist; a name that ends in `.json`: networkx.node_link_graph",
        "networkx",
        by_suffix=((".json", "node-link"),),
    ),
    "json": HeapFormat(".json", "your own programs: everything, with a schema", "json"),
    "parquet": HeapFormat(
        ".parquet",
        "pandas, Polars, DuckDB, Spark: a directory of tables",
        binary=True,
        tables="parquet",
    ),
    "arrow": HeapFormat(
        ".arrow",
        "pyarrow, Polars: the same tables, ready to be mapped",
        binary=True,
        tables="arrow",
    ),
}

"""The formats of heap snapshots: for each its suffix, what writes it, and what reads it."""

from __future__ import annotations

import heapscope
from heapscope.exporters.formats import Format, tables_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from heapscope import _analysis
    from heapscope.exporters.formats import Write


def heap_title(graph: _analysis.HeapGraph) -> str:
    """Name a snapshot after the program's command, as far as it is known."""
    program, _, rest = graph.info.get("command", "").partition(" ")
    named = f"{program.rsplit('/', 1)[-1]} {rest}".strip()
    return named or f"process {graph.info.get('pid', 'of unknown id')}"


def _native(name: str) -> Callable[[_analysis.HeapGraph, Write, str], None]:
    """Return the writer of a format that src/exporters knows; no metric changes it."""

    def write(graph: _analysis.HeapGraph, receive: Write, _metric: str) -> None:
        title = heap_title(graph).encode("utf-8", "surrogatepass")
        graph.export(name, receive, title=title, exporter=f"heapscope {heapscope.__version__}")

    return write


HEAP_FORMATS: dict[str, Format] = {
    "heapsnapshot": Format(
        ".heapsnapshot",
        _native("heapsnapshot"),
        "Chrome DevTools: load it in the Memory panel",
    ),
    "perfetto": Format(
        ".perfetto-trace",
        _native("perfetto"),
        "ui.perfetto.dev, trace processor: a heap graph",
        binary=True,
    ),
    "networkx": Format(
        ".edgelist",
        _native("networkx"),
        "networkx.read_edgelist; a name that ends in `.json`: networkx.node_link_graph",
        variants={".json": Format(".json", _native("node-link"), "networkx.node_link_graph")},
    ),
    "json": Format(".json", _native("json"), "your own programs: everything, with a schema"),
    "parquet": tables_of("parquet", "write_heap_tables"),
    "arrow": tables_of("arrow", "write_heap_tables"),
}

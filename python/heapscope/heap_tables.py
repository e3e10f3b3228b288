"""Heap snapshots as Arrow tables: ``objects``, ``edges``, ``types`` and ``roots``.

Needs the extra ``query`` (pyarrow). docs/query.md lists the columns. Bytes and counts are 64-bit
integers, unknown is null, and texts are dictionary-encoded. ``size_bytes`` of ``objects`` and
``shallow_bytes`` of ``types`` sum to the snapshot's.
"""

from __future__ import annotations

from typing import Any

from heapscope.tables import import_extra, table_of_columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from heapscope import _analysis

HEAP_TABLES = ("objects", "edges", "types", "roots")


def heap_tables(
    graphs: Sequence[_analysis.HeapGraph], names: Sequence[str] | None = None
) -> dict[str, pa.Table]:
    """Return the tables of one or more heap snapshots, one below the other.

    Parameters
    ----------
    graphs : sequence of heapscope._analysis.HeapGraph
        The snapshots.
    names : sequence of str, optional
        What the column ``snapshot`` calls each of them; without it there is no such column.

    Returns
    -------
    dict
        A ``pyarrow.Table`` for each name in `HEAP_TABLES`.

    Raises
    ------
    heapscope.HeapscopeError
        pyarrow is not installed.
    """
    arrow: Any = import_extra("pyarrow", "query")
    import_extra("pyarrow.compute", "query")
    made: list[dict[str, Any]] = []
    for position, graph in enumerate(graphs):
        flat = graph.columns()
        word = None if names is None else ("snapshot", names[position])
        made.append({name: table_of_columns(arrow, flat[name], word) for name in HEAP_TABLES})
    return {
        name: arrow.concat_tables([each[name] for each in made]).unify_dictionaries()
        for name in HEAP_TABLES
    }

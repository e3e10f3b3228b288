"""The metrics that tables and trees can be asked for, and what they are called."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """What a metric measures.

    Attributes
    ----------
    title : str
        What its total is, to stand behind the figure.
    bytes_key, blocks_key : str
        Where a table's row has them.
    blocks : str
        What its blocks are called.
    by_count : bool
        Whether rows are ordered and weighed by blocks instead of bytes.
    """

    title: str
    bytes_key: str
    blocks_key: str
    blocks: str
    by_count: bool = False

    @property
    def weight_key(self) -> str:
        """Where a row has what rows are ordered and weighed by."""
        return self.blocks_key if self.by_count else self.bytes_key


METRICS = {
    "peak": Metric("at the peak", "peak_bytes", "peak_blocks", "blocks"),
    "live": Metric("live at the end", "live_bytes", "live_blocks", "blocks"),
    "allocated": Metric("allocated in all", "allocated_bytes", "allocations", "allocations"),
    "temporary": Metric(
        "freed before their thread's 8th later allocation",
        "temporary_bytes",
        "temporary_allocations",
        "allocations",
    ),
    "count": Metric("allocations", "allocated_bytes", "allocations", "allocations", by_count=True),
}

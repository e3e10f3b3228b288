"""The lines that hold the most, printed: the recipe that programs for tracemalloc carry about."""

from __future__ import annotations

import linecache
import sys
from typing import TextIO

from heapscope.traces.filters import Filter
from heapscope.traces.snapshot import Snapshot

_LEFT_OUT = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>", "<unknown>")


def display_top(
    snapshot: Snapshot, key_type: str = "lineno", limit: int = 3, file: TextIO | None = None
) -> None:
    """Print the places with the most live bytes, with their source.

    What imports hold, and blocks without a Python frame, are left out.

    Parameters
    ----------
    snapshot : Snapshot
        What `take_snapshot` returned.
    key_type : {"lineno", "filename", "traceback"}
        What makes a place; of a traceback the oldest frame is printed.
    limit : int
        How many.
    file : file object, optional
        Where to; standard output by default.
    """
    out = sys.stdout if file is None else file
    kept = snapshot.filter_traces([Filter(False, name) for name in _LEFT_OUT])
    statistics = kept.statistics(key_type)
    out.write(f"Top {limit} lines\n")
    for place, statistic in enumerate(statistics[:limit], 1):
        frame = statistic.traceback[0]
        name = "/".join(frame.filename.split("/")[-2:])
        out.write(f"#{place}: {name}:{frame.lineno}: {statistic.size / 1024:.1f} KiB\n")
        source = linecache.getline(frame.filename, frame.lineno).strip()
        if source:
            out.write(f"    {source}\n")
    others = statistics[limit:]
    if others:
        size = sum(statistic.size for statistic in others)
        out.write(f"{len(others)} other: {size / 1024:.1f} KiB\n")
    total = sum(statistic.size for statistic in statistics)
    out.write(f"Total allocated size: {total / 1024:.1f} KiB\n")

"""A request in a line: for the header of its response, and for the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapscope.cli.units import count, size

if TYPE_CHECKING:
    from heapscope.django.records import Record


def header_of(record: Record) -> str:
    """Write what the header says: ``net=1234; peak=…``, bytes, and milliseconds."""
    known = [
        ("request", record.number),
        ("net", record.net_bytes),
        ("peak", record.peak_bytes),
        ("allocated", record.allocated_bytes),
        ("blocks", record.allocations),
    ]
    parts = [f"{name}={value}" for name, value in known if value is not None]
    parts.append(f"ms={record.elapsed_s * 1000:.1f}")
    return "; ".join(parts)


def line_of(record: Record) -> str:
    """Write the line of the log."""
    told = f"heapscope: {record.method} {record.route} {record.status}: "
    if record.net_bytes is None or record.peak_bytes is None:
        told += "not tracked"
    else:
        least = "at least " if record.peak_is_least else ""
        told += (
            f"net {record.net_bytes:+,} B, peak {least}{size(record.peak_bytes)}, "
            f"allocated {size(record.allocated_bytes or 0)} in {count(record.allocations or 0)}"
        )
    told += f", {record.elapsed_s * 1000:.1f} ms"
    if record.growth:
        most = ", ".join(f"{row['type']} {row['count']:+,}" for row in record.growth[:3])
        told += f"; grew: {most}"
    if record.lines:
        line = record.lines[0]
        told += f"; most at {line['file']}:{line['line']} ({size(line['peak_bytes'])})"
    return told

"""Tables of types in the layouts of Pympler's SummaryTracker and of objgraph, to the character.

Sources: Pympler 1.1 (``summary.print_``, ``stringutils.pp``), objgraph 3.7.0
(``show_most_common_types``, ``show_growth``).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["common_types_lines", "growth_lines", "size", "summary_lines"]

MOST_ROWS = 15
_HEADER = ("types", "# objects", "total size")
_BETWEEN = " | "


def summary_lines(
    rows: Iterable[tuple[str, int, int]], limit: int | None = MOST_ROWS
) -> Iterator[str]:
    """Yield the table of a summary or a difference, the largest sizes first.

    Parameters
    ----------
    rows : iterable of (type, objects, bytes)
        In any order; equals are ordered by name.
    limit : int or None
        How many rows at most.
    """
    ordered = sorted(rows, key=lambda row: (-row[2], row[0]))[:limit]
    cells = [_HEADER, *((name, str(count), size(total)) for name, count, total in ordered)]
    widths = [max(len(row[column]) for row in cells) + 2 for column in range(3)]
    for index, row in enumerate(cells):
        yield _BETWEEN.join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        if index == 0:
            yield _BETWEEN.join("=" * width for width in widths)


def size(count: int) -> str:
    """Write bytes as Pympler does: ``549.61 KB``; what is negative stays in bytes.

    Examples
    --------
    >>> size(562800), size(40), size(-2048)
    (' 549.61 KB', '  40     B', '-2048     B')
    """
    value: float = count
    units = ("B", "KB", "MB", "GB", "TB", "EB")
    unit = 0
    while value > 1024 and unit < len(units) - 1:
        value /= 1024
        unit += 1
    return f"{value:7.2f} {units[unit]}" if unit else f"{count:4d}     B"


def common_types_lines(rows: list[tuple[str, int]]) -> Iterator[str]:
    """Yield the lines of objgraph's table of types and how many objects they have."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, count in rows:
        yield f"{name:<{width}} {count}"


def growth_lines(rows: list[tuple[str, int, int]]) -> Iterator[str]:
    """Yield the lines of objgraph's table of growth: type, objects, and how many more."""
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, count, delta in rows:
        yield f"{name:<{width}}{count:9d} {delta:+9d}"

"""A file's lines with the bytes of each in the margin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapscope.cli import places, units
from heapscope.cli.fitting import fit, fit_end
from heapscope.cli.metrics import METRICS
from heapscope.top.lines import Lines, Rows, cell

if TYPE_CHECKING:
    from heapscope.top.lines import Piece
    from heapscope.top.view import View

_TAB = 4


class SourceRows(Rows):
    """The lines of one file.

    Parameters
    ----------
    view : View
        Whose metric is in the margin.
    file : str
        ``co_filename``; where the file cannot be read the lines that have figures are listed.
    lines : dict
        Rows of the table by number of the line.
    """

    def __init__(self, view: View, file: str, lines: dict[int, dict[str, Any]]) -> None:
        self._metric = METRICS[view.metric]
        self._lines = lines
        self._text = places.source_lines(file)
        self._file = file
        self._numbers = range(1, len(self._text) + 1) if self._text else sorted(lines)

    def count(self) -> int:
        """Return how many lines there are."""
        return len(self._numbers)

    def index_of(self, line: int | None) -> int:
        """Return where a line is; the first where it is not."""
        if line is not None and line in self._numbers:
            return self._numbers.index(line)
        return 0

    def header(self, width: int) -> list[Piece]:
        """Name the columns and the file."""
        says = "own".rjust(9) + "  " + "with callees".rjust(12) + "  "
        name = places.place(self._file, None)
        missing = "" if self._text else "  (no source here)"
        return [(says + fit(name, max(width - len(says) - len(missing), 8)) + missing, "dim")]

    def row(self, index: int, width: int) -> list[Piece]:
        """Write the figures, the number and the text of a line."""
        number = self._numbers[index]
        row = self._lines.get(number, {})
        metric = self._metric
        own, inclusive = row.get(metric.bytes_key, 0), row.get(f"inclusive_{metric.bytes_key}", 0)
        if metric.by_count:
            own, inclusive = (
                row.get(metric.blocks_key, 0),
                row.get(f"inclusive_{metric.blocks_key}", 0),
            )
        write = units.count if metric.by_count else units.size
        pieces = [
            cell(write(own) if own else "", 9, "own"),
            cell(write(inclusive) if inclusive else "", 12),
            (f"{number:>5} ", "dim"),
        ]
        text = self._text[number - 1].rstrip("\r\n").expandtabs(_TAB) if self._text else ""
        return [*pieces, (fit_end(text, max(width - 31, 0)), "" if row else "dim")]


class Source(Lines):
    """The pane of the source."""

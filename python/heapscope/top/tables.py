"""The rows of a table on the screen: figures, a bar where there is room, and a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapscope.cli import places, units
from heapscope.cli.fitting import fit, fit_end, width_of
from heapscope.cli.metrics import METRICS
from heapscope.top.lines import Rows, cell, label

if TYPE_CHECKING:
    from heapscope.top.browser import Answer
    from heapscope.top.lines import Piece

_PAGE = 64
_SIZE = 9  # cells of "999 MiB" and the like, of "100 %", of a bar
_SHARE = 6
_BAR = 10
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, width: int = _BAR) -> str:
    """Draw a share of 1 as a bar of block letters; something never looks like nothing."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    text = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    return text.ljust(width)


class TableRows(Rows):
    """The rows of a listing, fetched in pages as they are looked at.

    Parameters
    ----------
    answer : Answer
        One with a listing.
    """

    def __init__(self, answer: Answer) -> None:
        assert answer.listing is not None
        self._answer = answer
        self._listing = answer.listing
        self._metric = METRICS[answer.view.metric]
        self._pages: dict[int, list[dict[str, Any]]] = {}

    def count(self) -> int:
        """Return how many rows are listed."""
        return len(self._listing)

    def item(self, index: int) -> dict[str, Any] | None:
        """Return a row as the JSON of ``table`` has it; None past the end."""
        if not 0 <= index < self.count():
            return None
        page = index // _PAGE
        if page not in self._pages:
            if len(self._pages) > 16:
                self._pages.clear()
            self._pages[page] = self._listing.rows(page * _PAGE, (page + 1) * _PAGE)
        return self._pages[page][index % _PAGE]

    def header(self, width: int) -> list[Piece]:
        """Name the columns."""
        names = [name.rjust(size) for name, size in self._columns(width)]
        return [("  ".join([*names, self._answer.view.group]), "dim")]

    def row(self, index: int, width: int) -> list[Piece]:
        """Write the figures and the label."""
        row = self.item(index)
        if row is None:
            return []
        metric = self._metric
        whole = self._answer.total
        weight = row[metric.weight_key]
        figures = {
            "own": units.size(row[metric.bytes_key]) if weight else "",
            "share": units.share(weight, whole) if weight else "",
            "with callees": units.size(row.get(f"inclusive_{metric.bytes_key}", 0)),
            metric.blocks: units.count(row[metric.blocks_key]) if weight else "",
            "": bar(weight / whole if whole else 0),
        }
        pieces = []
        for name, size in self._columns(width):
            style = "bar" if not name else "own" if name == "own" else ""
            pieces.append(cell(figures[name], size, style))
        room = width - sum(width_of(text) for text, _ in pieces)
        return [*pieces, *self._label(row, room)]

    def _columns(self, width: int) -> list[tuple[str, int]]:
        columns = [("own", _SIZE), ("share", _SHARE)]
        if self._answer.view.has_inclusive:
            columns.append(("with callees", 12))
        if width >= 90 or self._metric.by_count or self._answer.view.order == "blocks":
            columns.append((self._metric.blocks, 13))
        if width >= 96:
            columns.insert(2, ("", _BAR))
        return columns

    def _label(self, row: dict[str, Any], room: int) -> list[Piece]:
        group = self._answer.view.group
        if group in ("line", "site"):
            return place_and_source(row, room, f"[{row['domain']}]" if group == "site" else "")
        owner = row.get("owner") or "program"
        if group == "function":
            where = places.short_file(row["file"])
            return [label(places.fit_pair(where, places.call(row["function"]), room), room, owner)]
        if group == "file":
            name = places.place(row["file"], None)
        elif group == "module":
            name = row["module"] or "(no Python frame)"
        else:
            name = str(row[group])
        return [label(fit(name, room), room, owner)]


def place_and_source(row: dict[str, Any], room: int, remark: str = "") -> list[Piece]:
    """Label a line: where it is, its function where there is room, and its source."""
    owner = row.get("owner") or "program"
    where = places.place(row["file"], row["line"])
    function = places.function_of(row)
    text = places.source(row["file"], row["line"])
    if remark:
        room -= len(remark) + 1
    if text and room < 60:
        function = ""
    head = places.fit_pair(where, function, min(max(room // 2, 24), room) if text else room)
    pieces = [(head, owner)]
    left = room - width_of(head)
    if text and left > 6:
        pieces.append(("  " + fit_end(text, left - 2), "dim"))
        left = 0 if width_of(text) > left - 2 else left - 2 - width_of(text)
    if remark:
        pieces.append((" " * max(left, 0) + " " + remark, "dim"))
    return pieces

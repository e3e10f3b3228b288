"""The run over time, a few lines high: heap and RSS, and a range of it that can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from heapscope.cli import units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import BindingType

_MARGIN = 10  # cells left of the plot, for the scale
_LEVELS = " ▁▂▃▄▅▆▇█"
_HEAP = Style(color="cyan")
_OUTSIDE = Style(color="cyan", dim=True)
_RSS = Style(color="yellow")
_DIM = Style(dim=True)
_MARK = Style(bold=True, reverse=True)


def columns(
    timeline: Mapping[str, list[Any]], duration_s: float, width: int
) -> tuple[list[int], list[int | None]]:
    """Spread the ticks over the cells of a line: the highest heap and RSS in each.

    Returns
    -------
    heap : list of int
        Bytes; of a cell without a tick of its own those of the tick that covers it.
    rss : list of int or None
        Bytes; None where none was sampled.
    """
    heap = [0] * width
    rss: list[int | None] = [None] * width
    begin = 0.0
    last = len(timeline["time_s"]) - 1
    for tick, end in enumerate(timeline["time_s"]):
        if tick == last:
            end = max(end, duration_s)
        first = _column(begin, duration_s, width)
        until = max(_column(end, duration_s, width), first)
        high = timeline["max_live_bytes"][tick] or timeline["live_bytes"][tick] or 0
        seen = timeline["rss_bytes"][tick]
        for at in range(first, until + 1):
            heap[at] = max(heap[at], high)
            if seen is not None:
                rss[at] = max(rss[at] or 0, seen)
        begin = end
    return heap, rss


def _column(time_s: float, duration_s: float, width: int) -> int:
    if duration_s <= 0:
        return 0
    return max(0, min(int(time_s / duration_s * width), width - 1))


class Timeline(Widget, can_focus=True):
    """Heap filled, RSS as a line above it, and an axis that shows range and cursor.

    Parameters
    ----------
    timeline : mapping
        As `_analysis.Capture.timeline` gives it.
    duration_s, peak_at_s : float
        Seconds from the start.
    """

    DEFAULT_CSS = "Timeline { height: 5; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "earlier", show=False),
        Binding("right,l", "move(1)", "later", show=False),
        Binding("shift+left,H", "move(-10)", "much earlier", show=False),
        Binding("shift+right,L", "move(10)", "much later", show=False),
        Binding("home", "move(-9999)", "start", show=False),
        Binding("end", "move(9999)", "end", show=False),
        Binding("p", "to_peak", "peak", show=False),
        Binding("enter,space", "mark", "mark", show=False),
    ]

    class Chosen(Message):
        """A range was marked: `range_s` in seconds."""

        def __init__(self, range_s: tuple[float, float]) -> None:
            super().__init__()
            self.range_s = range_s

    class Moved(Message):
        """The cursor moved or a beginning was marked."""

    def __init__(
        self,
        timeline: Mapping[str, list[Any]],
        duration_s: float,
        peak_at_s: float,
        *,
        id: str,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._timeline = timeline
        self._duration_s = duration_s
        self._peak_at_s = peak_at_s
        self._cursor_s = peak_at_s
        self.begin_s: float | None = None
        self._range_s: tuple[float, float] | None = None
        self._spread: tuple[int, list[int], list[int | None]] | None = None

    def show(self, range_s: tuple[float, float] | None) -> None:
        """Show which range is looked at."""
        self._range_s = range_s
        self.begin_s = None
        self.refresh()

    @property
    def says(self) -> str:
        """What the cursor is at, for the line below."""
        here = f"at {units.duration(self._cursor_s)}"
        if self.begin_s is None:
            return f"{here}: enter marks where the range begins"
        return f"from {units.duration(self.begin_s)}, {here}: enter marks where it ends"

    def action_move(self, cells: int) -> None:
        """Move the cursor by cells of the plot."""
        width = self._plot_width
        at = _column(self._cursor_s, self._duration_s, width) + cells
        at = max(0, min(at, width - 1))
        self._cursor_s = (at + 0.5) / width * self._duration_s
        self._changed()

    def action_to_peak(self) -> None:
        """Go to the peak."""
        self._cursor_s = self._peak_at_s
        self._changed()

    def action_mark(self) -> None:
        """Mark the range's beginning, then its end."""
        if self.begin_s is None:
            self.begin_s = self._cursor_s
            self._changed()
            return
        begin, end = sorted((self.begin_s, self._cursor_s))
        half = self._duration_s / self._plot_width / 2
        self.begin_s = None
        self.post_message(self.Chosen((max(begin - half, 0.0), end + half)))

    def _changed(self) -> None:
        self.refresh()
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        """Show the cursor."""
        self._changed()

    def on_blur(self) -> None:
        """Hide the cursor; a range that was begun is dropped."""
        self.begin_s = None
        self._changed()

    @property
    def _plot_width(self) -> int:
        return max(self.size.width - _MARGIN - 1, 8)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the plot; the last one is the axis."""
        width = self._plot_width
        if self._spread is None or self._spread[0] != width:
            self._spread = (width, *columns(self._timeline, self._duration_s, width))
        _, heap, rss = self._spread
        rows = self.size.height - 1
        if y >= rows:
            return self._axis(width)
        most = max([1, *heap, *(bytes_ or 0 for bytes_ in rss)])
        scale = units.size(most) if y == 0 else "0 B" if y == rows - 1 else ""
        scale, style = {1: ("⠒ RSS", _RSS), 2: ("▆ heap", _HEAP)}.get(y, (scale, _DIM))
        segments = [Segment(f"{scale:>{_MARGIN - 1}} ", style)]
        low = rows - 1 - y  # whole cells below this line
        for at in range(width):
            segments.append(self._cell(at, width, heap[at] / most * rows, rss[at], most, rows, low))
        return Strip(segments).adjust_cell_length(self.size.width)

    def _cell(
        self, at: int, width: int, level: float, rss: int | None, most: int, rows: int, low: int
    ) -> Segment:
        inside = self._is_inside(at, width)
        filled = min(max(level - low, 0.0), 1.0)
        if filled > 0:
            letter = _LEVELS[max(round(filled * 8), 1 if low == 0 else 0)]
            if letter != " ":
                return Segment(letter, _HEAP if inside else _OUTSIDE)
        if rss is not None:
            height = rss / most * rows
            if low <= height < low + 1 or (height >= rows and low == rows - 1):
                return Segment("⠒" if height - low < 0.67 else "⠉", _RSS if inside else _DIM)
        return Segment(" ")

    def _is_inside(self, at: int, width: int) -> bool:
        if self._range_s is None:
            return True
        begin = _column(self._range_s[0], self._duration_s, width)
        return begin <= at <= max(_column(self._range_s[1], self._duration_s, width), begin)

    def _axis(self, width: int) -> Strip:
        cells = [
            "━" if self._range_s and self._is_inside(at, width) else "─" for at in range(width)
        ]
        peak = _column(self._peak_at_s, self._duration_s, width)
        cells[peak] = "▲"
        end = f" {units.duration(self._duration_s)}"
        keep = width - len(end)
        text = "".join(cells)
        cursor = _column(self._cursor_s, self._duration_s, width)
        begin = cursor if self.begin_s is None else _column(self.begin_s, self._duration_s, width)
        first, last = sorted((begin, cursor))
        segments = [Segment(" " * _MARGIN)]
        if not self.has_focus:
            segments += [Segment(text[:keep], _DIM), Segment(end, _DIM)]
        else:
            segments += [
                Segment(text[:first], _DIM),
                Segment(_ruled(text[first : last + 1]), _MARK),
                Segment(text[last + 1 :], _DIM),
            ]
        return Strip(segments).adjust_cell_length(self.size.width)


def _ruled(text: str) -> str:
    """Draw the marked part so that it differs without colours too."""
    return "┃" if len(text) == 1 else "┣" + "━" * (len(text) - 2) + "┫"

"""A list of lines with a cursor, of which only those on the screen are made.

The list's content is a `Rows`: it knows how many rows there are and makes one for a width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from heapscope.cli.fitting import pad

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.events import Click

    Piece = tuple[str, str]

PLAIN = Style()
DIM = Style(dim=True)
STYLES = {
    "": PLAIN,
    "dim": DIM,
    "bold": Style(bold=True),
    "own": Style(bold=True),
    "bar": Style(color="cyan"),
    "match": Style(color="yellow", bold=True),
    "program": PLAIN,
    "library": Style(color="cyan"),
    "interpreter": DIM,
    "import": DIM,
}


class Rows:
    """What a `Lines` shows; this one is empty."""

    def count(self) -> int:
        """Return how many rows there are."""
        return 0

    def header(self, width: int) -> list[Piece]:  # noqa: ARG002
        """Return the line above the rows as (text, style name) pieces."""
        return []

    def row(self, index: int, width: int) -> list[Piece]:  # noqa: ARG002
        """Return a row as pieces that together take at most the width."""
        return []


class Lines(ScrollView, can_focus=True):
    """Rows under a fixed header; the row at the cursor is marked and reversed."""

    DEFAULT_CSS = """
    Lines { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "move_to(0)", "first", show=False),
        Binding("end", "move_to(-1)", "last", show=False),
        Binding("enter", "choose", "choose", show=False),
    ]

    class Moved(Message):
        """The cursor of `lines` is at another row."""

        def __init__(self, lines: Lines) -> None:
            super().__init__()
            self.lines = lines

    class Chosen(Moved):
        """Enter was pressed on a row."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows = Rows()
        self.cursor = 0

    def show(self, rows: Rows, cursor: int = 0) -> None:
        """Show other rows, with the cursor at one of them."""
        self.rows = rows
        self.refit()
        self.place(cursor)
        self.refresh()

    def refit(self) -> None:
        """Take notice of another number of rows."""
        self.virtual_size = Size(self.size.width, self.rows.count() + 1)

    def place(self, cursor: int) -> None:
        """Put the cursor at a row and bring it into sight."""
        self.cursor = max(0, min(cursor, self.rows.count() - 1))
        height = max(self.size.height - 1, 1)
        top = round(self.scroll_offset.y)
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + height:
            top = self.cursor - height + 1
        self.scroll_to(y=top, animate=False, immediate=True)
        self.refresh()
        self.post_message(self.Moved(self))

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self.place(self.cursor + step)

    def action_page(self, pages: int) -> None:
        """Move by what is on the screen."""
        self.place(self.cursor + pages * max(self.size.height - 2, 1))

    def action_move_to(self, index: int) -> None:
        """Move to a row; -1 is the last."""
        self.place(index if index >= 0 else self.rows.count() - 1)

    def action_choose(self) -> None:
        """Tell that enter was pressed."""
        if self.rows.count():
            self.post_message(self.Chosen(self))

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse points."""
        index = event.y - 1 + round(self.scroll_offset.y)
        if event.y > 0 and index < self.rows.count():
            self.place(index)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.refit()
        self.place(self.cursor)

    def render_line(self, y: int) -> Strip:
        """Make one line of the screen."""
        width = self.scrollable_content_region.width
        if y == 0:
            return _strip([("  ", ""), *self.rows.header(width - 2)], width, DIM)
        index = y - 1 + round(self.scroll_offset.y)
        if index >= self.rows.count():
            return Strip.blank(width)
        is_here = index == self.cursor
        pieces = [("> " if is_here else "  ", ""), *self.rows.row(index, width - 2)]
        return _strip(pieces, width, Style(reverse=True) if is_here and self.has_focus else PLAIN)


def _strip(pieces: list[Piece], width: int, over: Style) -> Strip:
    segments = [Segment(text, STYLES[style] + over) for text, style in pieces]
    return Strip(segments).adjust_cell_length(width, over)


def cell(text: str, width: int, style: str = "") -> Piece:
    """Return a figure, right-aligned, with the gap behind it."""
    return text.rjust(width) + "  ", style


def label(text: str, width: int, style: str = "") -> Piece:
    """Return text that takes exactly a width."""
    return pad(text, max(width, 0)), style

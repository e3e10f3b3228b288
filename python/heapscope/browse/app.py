"""The screen of ``heapscope heap --browse``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding
from textual.widgets import DataTable, Static

from heapscope.browse.places import Place, at_types
from heapscope.cli.fitting import fit, printable
from heapscope.screen import FullScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from heapscope.objects.snapshot import Heap

_KEYS = "enter: look at it   backspace: back   s: sort types   t: types   q: quit"


class HeapBrowser(FullScreen):
    """A heap snapshot, full screen.

    Parameters
    ----------
    heap : Heap
        The snapshot.
    name : str
        What the file is called.
    """

    CSS = """
    #title { height: auto; max-height: 4; text-style: bold; }
    #rows { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("backspace,left,h,escape", "leave", "back"),
        Binding("right,l", "open", "open"),
        Binding("s", "sort", "sort"),
        Binding("t", "types", "types"),
    ]

    def __init__(self, heap: Heap, name: str) -> None:
        super().__init__(name)
        self._heap = heap
        self._by_retained = True
        self._way: list[tuple[Place, int]] = []  # and the row that was left
        self.place = at_types(heap)

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static("", id="title", markup=False)
        yield DataTable(id="rows", cursor_type="row", zebra_stripes=False)
        yield Static(_KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        """Show the types."""
        self._show(self.place, 0)

    def on_resize(self) -> None:
        """Fit the labels to the new width."""
        self._show(self.place, self.rows.cursor_row)

    @property
    def rows(self) -> DataTable[Text]:
        """The list."""
        table: DataTable[Text] = self.query_one("#rows", DataTable)
        return table

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Follow the row."""
        self._open(event.cursor_row)

    def action_open(self) -> None:
        """Follow the row under the cursor."""
        self._open(self.rows.cursor_row)

    def action_leave(self) -> None:
        """Return to where one came from."""
        if self._way:
            place, row = self._way.pop()
            self._show(place, row)

    def action_sort(self) -> None:
        """Order types by what they retain, or by their own bytes."""
        self._by_retained = not self._by_retained
        self.action_types()

    def action_types(self) -> None:
        """Go to the types."""
        self._way.clear()
        self._show(at_types(self._heap, by_retained=self._by_retained), 0)

    def _open(self, row: int) -> None:
        if not 0 <= row < len(self.place.leads):
            return
        lead = self.place.leads[row]
        if lead is not None:
            self._way.append((self.place, row))
            self._show(lead(), 0)

    def _show(self, place: Place, row: int) -> None:
        self.place = place
        width = max(self.size.width, 40)
        lines = [f"{self._file_name}: {place.title[0]}", *place.title[1:]]
        self.query_one("#title", Static).update(
            "\n".join(fit(printable(line), width) for line in lines)
        )
        table = self.rows
        table.clear(columns=True)
        figures = len(place.columns) - 1
        widths = [
            max([len(place.columns[column]), *(len(cells[column]) for cells in place.rows)])
            for column in range(figures)
        ]
        room = max(width - sum(widths) - 2 * (figures + 1) - 2, 12)
        for column, size in zip(place.columns[:-1], widths, strict=True):
            table.add_column(Text(column, justify="right"), width=size)
        table.add_column(Text(place.columns[-1]), width=room)
        for cells in place.rows:
            label = Text(fit(printable(cells[-1]), room))
            table.add_row(*(Text(cell, justify="right") for cell in cells[:-1]), label)
        table.move_cursor(row=row)
        table.focus()

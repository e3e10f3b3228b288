"""The screen of `heapscope top`: timeline, a line that says what is shown, rows, source, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.binding import Binding
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from heapscope.cli import units
from heapscope.cli.fitting import fit, fit_end, printable
from heapscope.cli.metrics import METRICS
from heapscope.screen import FullScreen
from heapscope.top import keys
from heapscope.top.lines import Lines
from heapscope.top.sources import Source, SourceRows
from heapscope.top.tables import TableRows
from heapscope.top.timeline import Timeline
from heapscope.top.trees import TreeRows
from heapscope.top.view import GROUPS, ORDERS, View, following

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize

    from heapscope.top.browser import Answer, Browser

_WIDE = 120  # cells from which on the source stands beside the rows
_TALL = 30  # lines from which on the timeline is higher


class Help(ModalScreen[None]):
    """All keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter,space", "dismiss", "close", show=False)
    ]
    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > Static { width: 66; max-width: 100%; height: auto; max-height: 100%; padding: 0 1;
                    border: round $foreground; background: $background; overflow-y: auto; }
    """

    def compose(self) -> ComposeResult:
        """Show the text."""
        yield Static(keys.HELP, markup=False)


class Top(FullScreen):
    """A capture, full screen.

    Parameters
    ----------
    browser : Browser
        The capture.
    name : str
        What the file is called.
    """

    CSS = """
    #says { height: 1; text-style: bold; }
    #body { layout: vertical; height: 1fr; }
    #body.wide { layout: horizontal; }
    #source { display: none; height: 1fr; border-top: solid $foreground; }
    #body.open > #source { display: block; }
    #body.wide > #rows { width: 3fr; height: 100%; }
    #body.wide > #source { display: block; width: 2fr; height: 100%; border-top: none;
                           border-left: solid $foreground; }
    #search { display: none; height: 1; border: none; padding: 0; }
    .tall Timeline { height: 7; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help"),
        Binding("m", "metric(1)", "metric"),
        Binding("M", "metric(-1)", "metric back"),
        Binding("g", "group(1)", "group"),
        Binding("G", "group(-1)", "group back"),
        Binding("s", "order(1)", "sort"),
        Binding("S", "order(-1)", "sort back"),
        Binding("c", "calls", "calls"),
        Binding("i", "invert", "invert"),
        Binding("f", "frames", "all frames"),
        Binding("t", "thread(1)", "thread"),
        Binding("T", "thread(-1)", "thread back"),
        Binding("slash", "search", "search"),
        Binding("r", "range", "range"),
        Binding("a", "all", "all"),
        Binding("right,l", "open", "open", show=False),
        Binding("left,h", "close", "close", show=False),
        Binding("tab", "switch", "source", show=False, priority=True),
        Binding("escape", "leave", "back", show=False),
    ]

    def __init__(self, browser: Browser, name: str) -> None:
        super().__init__(name)
        self._browser = browser
        self.view = View()
        self.answer: Answer | None = None
        self._source_of: tuple[Any, ...] | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        summary = self._browser.summary
        yield Timeline(
            self._browser.timeline, summary["duration_s"], summary["peak_at_s"], id="timeline"
        )
        yield Static("", id="says", markup=False)
        with Container(id="body"):
            yield Lines(id="rows")
            yield Source(id="source")
        yield Input(placeholder="file, line or function; enter keeps it, esc drops it", id="search")
        yield Static("", id="keys", markup=False)

    def on_mount(self) -> None:
        """Ask the first question."""
        self.rows.focus()
        self.look(self.view)

    def on_resize(self, event: Resize) -> None:
        """Put the source beside the rows where there is room."""
        self._fit(event.size.width, event.size.height)

    @property
    def rows(self) -> Lines:
        """The list."""
        return self.query_one("#rows", Lines)

    @property
    def source(self) -> Source:
        """The pane of the source."""
        return self.query_one("#source", Source)

    @property
    def timeline(self) -> Timeline:
        """The plot."""
        return self.query_one("#timeline", Timeline)

    # What is looked at

    def look(self, view: View) -> None:
        """Ask for a view; what was asked before and is not answered yet is dropped."""
        self.view = view
        self._say("…")
        self._compute(view)

    @work(thread=True, exclusive=True, group="answer")
    def _compute(self, view: View) -> None:
        answer = self._browser.answer(view)
        rows = TreeRows(answer) if view.is_tree else TableRows(answer)
        if not get_current_worker().is_cancelled:
            self.call_from_thread(self._show, answer, rows)

    def _show(self, answer: Answer, rows: TableRows | TreeRows) -> None:
        self.answer = answer
        self._source_of = None
        self.timeline.show(answer.range_s)
        self.rows.show(rows)
        self._say()

    def action_metric(self, step: int) -> None:
        """Take the next metric."""
        self.look(self.view.having(metric=following(tuple(METRICS), self.view.metric, step)))

    def action_group(self, step: int) -> None:
        """Take the next grouping; from the tree go to the table first."""
        group = self.view.group
        if not self.view.is_tree:
            group = following(GROUPS, group, step)
        self.look(self.view.having(group=group, is_tree=False))

    def action_order(self, step: int) -> None:
        """Sort by something else."""
        if self.view.is_tree:
            self.notice("the tree is in order of its bytes: c shows the table, which can be sorted")
            return
        order = following(tuple(ORDERS), self.view.order, step)
        if order == "inclusive" and not self.view.has_inclusive:
            order = following(tuple(ORDERS), order, step)
        self.look(self.view.having(order=order))

    def action_calls(self) -> None:
        """Go to the call tree or back to the table."""
        self.look(self.view.having(is_tree=not self.view.is_tree))

    def action_invert(self) -> None:
        """Turn the tree round."""
        turned = not self.view.inverted if self.view.is_tree else True
        self.look(self.view.having(is_tree=True, inverted=turned))

    def action_frames(self) -> None:
        """Show importlib's frames in the tree, or not."""
        shown = not self.view.all_frames if self.view.is_tree else True
        self.look(self.view.having(is_tree=True, all_frames=shown))

    def action_thread(self, step: int) -> None:
        """Take the next thread; after the last one all."""
        every: list[str | None] = [None, *self._browser.threads]
        at = every.index(self.view.thread) if self.view.thread in every else 0
        self.look(self.view.having(thread=every[(at + step) % len(every)]))

    def action_all(self) -> None:
        """Drop range, thread and search."""
        self.query_one("#search", Input).value = ""
        self.look(self.view.having(range_s=None, thread=None, search=""))

    # Rows and source

    def action_open(self) -> None:
        """Open a call."""
        rows = self.rows.rows
        if isinstance(rows, TreeRows) and rows.count() and self.focused is self.rows:
            rows.open(self.rows.cursor)
            self.rows.refit()
            self.rows.place(self.rows.cursor)

    def action_close(self) -> None:
        """Close a call, or go to its caller."""
        rows = self.rows.rows
        if isinstance(rows, TreeRows) and rows.count() and self.focused is self.rows:
            cursor = rows.close(self.rows.cursor)
            self.rows.refit()
            self.rows.place(cursor)

    def on_lines_moved(self, event: Lines.Moved) -> None:
        """Let the source follow."""
        if event.lines is self.rows and self.answer is not None and self.source.display:
            self._open_source()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        """Open the source of the row, or what else the row stands for."""
        if event.lines is not self.rows:
            return
        rows = self.rows.rows
        item = self._item()
        if item is None:
            self.action_open()
        elif "thread" in item and self.view.group == "thread" and isinstance(rows, TableRows):
            self.look(self.view.having(thread=item["thread"], group="line"))
        elif not item.get("file"):
            self.notice("this row has no file: g shows lines")
        else:
            self.query_one("#body").add_class("open")
            self._open_source()

    def action_switch(self) -> None:
        """Go from the rows to the source and back."""
        if self.focused is self.rows and self.source.display:
            self.source.focus()
        else:
            self.rows.focus()

    def action_leave(self) -> None:
        """Leave search, range or source, in this order."""
        search = self.query_one("#search", Input)
        body = self.query_one("#body")
        if search.display:
            search.display = False
            search.value = ""
            self.look(self.view.having(search=""))
        elif self.focused is self.rows and body.has_class("open"):
            body.remove_class("open")
        elif self.focused is self.rows and self.view.search:
            search.value = ""
            self.look(self.view.having(search=""))
        elif self.focused is self.rows and self.view.range_s:
            self.look(self.view.having(range_s=None))
        self.rows.focus()

    def _item(self) -> dict[str, Any] | None:
        rows = self.rows.rows
        if isinstance(rows, (TableRows, TreeRows)):
            return rows.item(self.rows.cursor)
        return None

    def _open_source(self) -> None:
        item = self._item()
        file = item.get("file") if item else None
        if item is None or not file or self.answer is None:
            return
        wanted = (self.answer, file)
        line = item.get("line")
        if self._source_of == wanted and isinstance(self.source.rows, SourceRows):
            self._go_to(self.source.rows, line)
            return
        self._read_source(self.answer, file, line)

    @work(thread=True, exclusive=True, group="source")
    def _read_source(self, answer: Answer, file: str, line: int | None) -> None:
        rows = SourceRows(answer.view, file, self._browser.lines(answer.view, file))
        if not get_current_worker().is_cancelled:
            self.call_from_thread(self._show_source, answer, file, rows, line)

    def _show_source(self, answer: Answer, file: str, rows: SourceRows, line: int | None) -> None:
        self._source_of = (answer, file)
        self.source.show(rows)
        self._go_to(rows, line)

    def _go_to(self, rows: SourceRows, line: int | None) -> None:
        """Bring a line to the middle of the pane."""
        index = rows.index_of(line)
        half = self.source.size.height // 2
        self.source.place(min(index + half, rows.count() - 1))
        self.source.place(max(index - half, 0))
        self.source.place(index)

    # Search and range

    def action_search(self) -> None:
        """Ask for a text."""
        search = self.query_one("#search", Input)
        search.display = True
        search.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while somebody types."""
        if event.input.display and event.value != self.view.search:
            self.look(self.view.having(search=event.value))

    def on_input_submitted(self) -> None:
        """Keep what was found."""
        self.query_one("#search", Input).display = False
        self.rows.focus()

    def action_range(self) -> None:
        """Go to the timeline."""
        if self.focused is self.timeline:
            self.rows.focus()
        else:
            self.timeline.focus()

    def on_timeline_moved(self) -> None:
        """Say where the cursor is."""
        if self.focused is self.timeline or self.answer is not None:
            self._say()

    def on_timeline_chosen(self, event: Timeline.Chosen) -> None:
        """Look at a range."""
        self.rows.focus()
        self.look(self.view.having(range_s=event.range_s))

    # What is said

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(Help())

    def notice(self, text: str) -> None:
        """Say something in place of the keys, until the next key."""
        self.query_one("#keys", Static).update(fit_end(text, self.size.width))

    def on_key(self) -> None:
        """Remind of the keys again."""
        self._remind(self.size.width)

    def _remind(self, width: int) -> None:
        self.query_one("#keys", Static).update(keys.reminder(width))

    def _fit(self, width: int, height: int) -> None:
        self.query_one("#body").set_class(width >= _WIDE, "wide")
        self.screen.set_class(height >= _TALL, "tall")
        self._remind(width)
        self._say()

    def _say(self, busy: str = "") -> None:
        """Say in one line what is shown."""
        width = self.size.width
        if self.focused is self.timeline:
            self.query_one("#says", Static).update(fit_end(self.timeline.says, width))
            return
        text = f"{busy} " if busy else ""
        if self.answer is not None:
            text += describe(self.answer, self._file_name, width - len(text))
        self.query_one("#says", Static).update(fit_end(text, width))


def describe(answer: Answer, name: str, width: int) -> str:
    """Say what an answer shows: how much of what, of which part of the run, found by what."""
    view = answer.view
    write = units.count if METRICS[view.metric].by_count else units.size
    parts = [f"{write(answer.total)} {view.measure}"]
    if view.metric == "peak":
        parts[0] += f", {units.duration(answer.peak_at_s)}"
    if view.search:
        parts[0] = f"{write(answer.shown)} of {parts[0]}"
    if view.is_tree:
        parts.append("callers of the allocating lines" if view.inverted else "calls")
    else:
        parts.append(f"by {view.group}")
        if view.order != "own":
            parts.append(f"sorted by {ORDERS[view.order]}")
    if answer.range_s is not None:
        begin, end = answer.range_s
        parts.append(f"{units.duration(begin)} to {units.duration(end)}")
    if view.thread is not None:
        parts.append(f"thread {fit(printable(view.thread), 20)}")
    if view.search:
        found = f'"{fit(printable(view.search), 20)}"'
        if answer.listing is not None:
            found += (
                f": {units.count(len(answer.listing))} of {units.count(answer.listing.all_rows)}"
            )
        parts.append(found)
    text = " · ".join(parts)
    shown = fit(name, 30)
    if len(text) + len(shown) + 3 <= width:
        return f"{text}{shown:>{width - len(text)}}"
    return text

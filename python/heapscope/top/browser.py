"""Answers views: holds the capture and what was last selected of it. No terminal in here.

Slow steps are C++ without the interpreter's lock, so `answer` is made to be called from a thread.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from heapscope.cli.metrics import METRICS

if TYPE_CHECKING:
    from heapscope import _analysis
    from heapscope.top.view import View

_KEPT = 4  # selections that are remembered: going back and forth costs nothing


class Answer(NamedTuple):
    """What a view shows.

    Attributes
    ----------
    view : View
        The question.
    total, shown : int
        Bytes of the metric (allocations for ``count``): of the selection, and of what is listed.
    listing : _analysis.Listing or None
        The table's rows.
    tree : _analysis.CallTree or None
        The call tree, with its root opened.
    part : _analysis.Capture
        What was selected.
    range_s : tuple of float, or None
        The range in whole ticks.
    peak_at_s : float
        When the metric ``peak`` was.
    """

    view: View
    total: int
    shown: int
    listing: _analysis.Listing | None
    tree: _analysis.CallTree | None
    part: _analysis.Capture
    range_s: tuple[float, float] | None
    peak_at_s: float


class Browser:
    """A capture that is being looked at.

    Parameters
    ----------
    capture : _analysis.Capture
        The whole run.
    """

    def __init__(self, capture: _analysis.Capture) -> None:
        self.capture = capture
        self.summary = capture.summary()
        self.timeline = capture.timeline()
        self.threads: list[str] = []
        for row in capture.table("thread", "peak")["rows"]:
            if row["thread"] not in self.threads:
                self.threads.append(row["thread"])
        self._selected: dict[Any, tuple[_analysis.Capture, dict[str, Any]]] = {}
        self._lines: dict[Any, dict[int, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def answer(self, view: View) -> Answer:
        """Compute what a view shows."""
        whole, found = self._select(view, "")
        part, _ = self._select(view, view.search if view.is_tree else "")
        by_count = METRICS[view.metric].by_count
        listing = tree = None
        if view.is_tree:
            tree = part.call_tree(view.metric, view.inverted, view.all_frames)
            tree.children(0, 0)
            root = tree.call(0)
            shown = root["blocks" if by_count else "bytes"]
            total = shown
            if view.search:
                everything = whole.call_tree(view.metric).call(0)
                total = everything["blocks" if by_count else "bytes"]
        else:
            order = view.order if view.has_inclusive or view.order != "inclusive" else "own"
            listing = part.listing(view.group, view.metric, order, view.search)
            total = listing.total_blocks if by_count else listing.total_bytes
            shown = listing.shown_blocks if by_count else listing.shown_bytes
        range_s = None if found["from_s"] is None else (found["from_s"], found["to_s"])
        return Answer(view, total, shown, listing, tree, part, range_s, found["peak_at_s"])

    def lines(self, view: View, file: str) -> dict[int, dict[str, Any]]:
        """Return what the lines of a file have in the view's selection, by number."""
        key = (view.range_s, view.thread, file)
        with self._lock:
            if key in self._lines:
                return self._lines[key]
        part, _ = self._select(view, "")
        rows = {row["line"]: row for row in part.file_lines(file) if row["line"] is not None}
        with self._lock:
            if len(self._lines) > 200:
                self._lines.clear()
            self._lines[key] = rows
        return rows

    def _select(self, view: View, through: str) -> tuple[_analysis.Capture, dict[str, Any]]:
        key = (view.range_s, view.thread, through)
        if key == (None, None, ""):
            answered = {"from_s": None, "to_s": None, "peak_at_s": self.summary["peak_at_s"]}
            return self.capture, answered
        with self._lock:
            if key in self._selected:
                return self._selected[key]
        begin, end = view.range_s or (None, None)
        made = self.capture.select(begin, end, view.thread, through)
        with self._lock:
            while len(self._selected) >= _KEPT:
                self._selected.pop(next(iter(self._selected)))
            self._selected[key] = made
        return made

"""Marks and spans in a picture of memory over time: lines with their names, and bars by nesting."""

from __future__ import annotations

from typing import Any, NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROW = 0.065  # height of a row of spans, as a share of the highest value
_MOST_ROWS = 4
_NARROW = 1 / 500  # of the run: what is closer than that is one line, or one bar
_LETTER = 0.0095  # of the picture's width, about
_MARK = 24  # letters of a mark's name
_SPAN = "#dce6ef"
_MARKED = "#7a4b8f"
_TEXT = "#222222"


class Bar(NamedTuple):
    """A span, or neighbours of one row that are too narrow to be told apart."""

    row: int
    begin: float
    end: float
    label: str


def bars(events: Sequence[dict[str, Any]], end: float) -> list[Bar]:
    """Place spans in rows: each in the first that is free from its begin on, so nested ones below.

    Parameters
    ----------
    events : sequence of dict
        Of a capture.
    end : float
        Of the run, in seconds: where open spans end.

    Returns
    -------
    list of Bar
        At most four rows; what lies deeper is left out.
    """
    ends: list[float] = []
    placed: list[Bar] = []
    last: dict[int, int] = {}  # the place of each row's last bar
    spans = [
        (event["begin_s"], end if event["end_s"] is None else event["end_s"], event["label"])
        for event in events
        if event["kind"] == "span"
    ]
    for begin, until, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        row = next((row for row, free in enumerate(ends) if free <= begin), len(ends))
        if row >= _MOST_ROWS:
            continue
        ends[row : row + 1] = [until]
        near = placed[last[row]] if row in last else None
        narrow = _NARROW * end
        if near is not None and begin - near.end < narrow and until - near.begin < narrow:
            placed[last[row]] = near._replace(end=max(near.end, until))
        else:
            last[row] = len(placed)
            placed.append(Bar(row, begin, until, label))
    return placed


def rows_of(placed: Sequence[Bar]) -> int:
    """Return how many rows they take."""
    return max((bar.row + 1 for bar in placed), default=0)


def draw_spans(
    axes: Any, placed: Sequence[Bar], end: float, highest: float, shown: Callable[[str, int], str]
) -> None:
    """Draw bars above the curves, the first row on top; `shown` cuts a name to so many letters."""
    top = axes.get_ylim()[1]
    height = ROW * highest
    for bar in placed:
        wide = max(bar.end - bar.begin, _NARROW * end)
        low = top - (bar.row + 1) * height
        drawn = wide if wide < 0.02 * end else wide - 0.002 * end  # a gap to the next
        axes.broken_barh([(bar.begin, drawn)], (low, 0.88 * height), color=_SPAN, linewidth=0)
        letters = int(wide / end / _LETTER)
        if letters >= 3:
            axes.text(
                bar.begin + 0.004 * end,
                low + 0.42 * height,
                shown(bar.label, letters),
                color=_TEXT,
                fontsize=10,
                verticalalignment="center",
                parse_math=False,
                clip_on=True,
            )


def draw_marks(
    axes: Any, events: Sequence[dict[str, Any]], end: float, shown: Callable[[str, int], str]
) -> None:
    """Draw a line at each mark, and its name at the foot where that covers no other."""
    drawn, free = -end, [-end, -end]
    height = axes.get_ylim()[1]
    for event in events:
        if event["kind"] != "mark":
            continue
        at = event["begin_s"]
        if at - drawn >= _NARROW * end:
            axes.axvline(at, color=_MARKED, linewidth=0.9, linestyle=(0, (4, 3)))
            drawn = at
        name = shown(event["label"], _MARK)
        wide = (len(name) + 1) * _LETTER * end
        begin = min(at + 0.004 * end, end - wide)
        level = next((level for level, until in enumerate(free) if until <= begin), None)
        if level is None or begin < 0:
            continue
        free[level] = begin + wide
        axes.text(
            begin,
            (0.018 + 0.045 * level) * height,
            name,
            color=_MARKED,
            fontsize=10,
            parse_math=False,
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1},
        )

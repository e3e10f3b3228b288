"""Memory over time as .dat files tell it, drawn by matplotlib: needs the extra ``plot``.

Lines carry their names at their ends. Above the curve are the calls of functions: a row for each
function, or with `flame` as they nest. The same files give the same bytes.
"""

from __future__ import annotations

import io
import math
from typing import Any, NamedTuple

from heapscope.cli import units
from heapscope.cli.fitting import fit
from heapscope.picture_style import (
    DPI,
    HEAP,
    INCHES,
    QUIET,
    RSS,
    RUNS,
    TEXT,
    Label,
    file_metadata,
    finish,
    known_letters,
    place_labels,
    size_axis,
    style,
)
from heapscope.tables import import_extra
from heapscope.timeline import series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapscope.timeline.dat_reader import Timeline
    from heapscope.timeline.series import Line, Placed

_MOST_CHILDREN = 6  # with names
_MOST_DRAWN = 200  # of them at all
_MOST_ROWS = 8
_MOST_BARS = 3000
_MOST_LEVELS = 24
_MOST_MARK_ROWS = 3
_MOST_LINES = 1000
_NAME = 34
_ROW_INCHES = 0.3
_LETTER_SHARE = 0.0105  # of the width of the axes, about


class Wanted(NamedTuple):
    """What a picture shows beside the curves.

    Attributes
    ----------
    title : str or None
        Above it; else the command.
    window : (float, float) or None
        Seconds since the start.
    slope : bool
        The straight line through the curve, and how steep it is.
    flame : bool
        Calls as they nest, in place of a row a function.
    spans : bool
        Calls at all.
    remark : str or None
        What is written below the peak's height: the line that holds most of it.
    """

    title: str | None = None
    window: tuple[float, float] | None = None
    slope: bool = False
    flame: bool = False
    spans: bool = True
    remark: str | None = None


def draw(timelines: Sequence[Timeline], kind: str, wanted: Wanted) -> bytes:
    """Return a picture.

    Parameters
    ----------
    timelines : sequence of Timeline
        One, with its children, calls and marks, or several on top of each other.
    kind : {"png", "svg", "pdf"}
        The file's format.
    wanted : Wanted
        What it shows.

    Raises
    ------
    heapscope.HeapscopeError
        matplotlib is not installed.
    """
    figures = import_extra("matplotlib.figure", "plot")
    with style():
        figure = figures.Figure(figsize=INCHES, dpi=DPI, layout="constrained")
        draw_on(figure, timelines, wanted)
        written = io.BytesIO()
        figure.savefig(written, format=kind, metadata=file_metadata(kind))
    return written.getvalue()


def draw_on(figure: Any, timelines: Sequence[Timeline], wanted: Wanted) -> None:
    """Draw on an empty figure, within `style`."""
    if len(timelines) > 1:
        _draw_several(figure.add_subplot(), timelines, wanted)
        return
    timeline = timelines[0]
    window = series.window_of(timeline, wanted.window)
    bars = _bars_of(timeline, window, wanted) if wanted.spans else []
    moments = _moments_of(timeline, window)
    if not bars and not moments:
        axes = figure.add_subplot()
        _draw_one(axes, timeline, window, wanted, [], 1.0)
        _title(axes, timeline, wanted)
        return
    below = 1 + max((moment.row for moment in moments), default=-1)
    rows = [bar._replace(row=bar.row + below) for bar in bars]
    count = max([below, *(bar.row + 1 for bar in rows)])
    inches = min(count * _ROW_INCHES, 2.4)
    share = inches / (INCHES[1] - 1.2)
    above, axes = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [share, 1 - share], "hspace": 0.02}
    )
    _draw_one(axes, timeline, window, wanted, rows, 1 - share)
    _draw_rows(above, rows, window, wanted)
    _name_moments(above, moments)
    above.set_ylim(0, count)
    _title(above, timeline, wanted)


def _bars_of(timeline: Timeline, window: tuple[float, float], wanted: Wanted) -> list[_Bar]:
    nested = series.placed(timeline.spans, timeline.start, timeline.end, window)
    if not nested:
        return []
    names = series.short_names([bar.span.name for bar in nested])
    if wanted.flame:
        deep = [bar for bar in nested if bar.row < _MOST_LEVELS]
        deep.sort(key=lambda bar: bar.end - bar.start, reverse=True)
        order = {name: number for number, name in enumerate(names)}
        return [
            _Bar(bar, bar.row, names[bar.span.name], _colour(order[bar.span.name]))
            for bar in deep[:_MOST_BARS]
        ]
    spent: dict[str, float] = {}
    for bar in nested:
        spent[bar.span.name] = spent.get(bar.span.name, 0.0) + bar.end - bar.start
    longest = set(sorted(spent, key=lambda name: -spent[name])[:_MOST_ROWS])
    shown = [name for name in names if name in longest]  # by first start, callers first
    row = {name: len(shown) - 1 - number for number, name in enumerate(shown)}
    bars = [bar for bar in nested if bar.span.name in row]
    bars.sort(key=lambda bar: bar.end - bar.start, reverse=True)
    return [
        _Bar(
            bar,
            row[bar.span.name],
            names[bar.span.name],
            _colour(len(shown) - 1 - row[bar.span.name]),
        )
        for bar in bars[:_MOST_BARS]
    ]


class _Bar(NamedTuple):
    """A call as it is drawn."""

    placed: Placed
    row: int
    name: str
    colour: str


def _colour(number: int) -> str:
    return RUNS[1:][number % (len(RUNS) - 1)]  # the first is the curve's


def _draw_one(
    axes: Any,
    timeline: Timeline,
    window: tuple[float, float],
    wanted: Wanted,
    rows: list[_Bar],
    height: float,
) -> None:
    start = timeline.start
    whole = series.cut(timeline.total_with_calls(), start, window)
    line = series.broken(series.thin(whole), timeline.gaps[:_MOST_LINES], start)
    labels: list[Label] = []
    highest = [1.0]
    if whole.times:
        axes.fill_between(line.times, line.sizes, color=RSS, alpha=0.3, linewidth=0)
        axes.plot(line.times, line.sizes, color=HEAP, linewidth=2)
    last, peak = line.last(), whole.peak()
    if last is not None:
        name = {"pss": "PSS", "uss": "USS"}.get(timeline.info.get("metric", ""), "RSS")
        labels.append(Label(f"{name} {units.size(int(last[1]))}", HEAP, *last))
    _draw_marks_of_kernel(axes, timeline, window)
    labels += _draw_children(axes, timeline, window, highest)
    if peak is not None:
        highest.append(peak[1])
    for since, until in timeline.gaps[:_MOST_LINES]:
        axes.axvspan(since - start, until - start, color="#f2f2f2", zorder=0.5, linewidth=0)
    lines_below = 2 if wanted.remark else 1
    size_axis(axes, max(highest), room=1.08 + (0.08 * lines_below + 0.02) / height)
    axes.set_xlim(*window)
    if not wanted.flame:
        _draw_brackets(axes, rows, max(highest))
    if wanted.slope:
        labels += _draw_slope(axes, whole)
    for mark in timeline.marks[:_MOST_LINES]:
        axes.axvline(mark.at - start, color=QUIET, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1.5)
    finish(axes, "")
    if peak is not None:
        _mark_peak(axes, peak, window, wanted.remark)
    place_labels(axes, labels, height)


def _title(axes: Any, timeline: Timeline, wanted: Wanted) -> None:
    text = wanted.title if wanted.title is not None else timeline.command or timeline.path
    shown = fit(known_letters(text), 64)
    axes.set_title(shown, loc="left", color=TEXT, fontweight="bold", parse_math=False)


def _draw_marks_of_kernel(axes: Any, timeline: Timeline, window: tuple[float, float]) -> None:
    """Draw where a maximum lies within an interval, but not when in it."""
    start = timeline.start
    shown = [
        (since - start, until - start, size)
        for since, until, size in timeline.highs
        if until - start >= window[0] and since - start <= window[1]
    ]
    if shown:
        since, until, sizes = zip(*shown, strict=True)
        axes.hlines(sizes, since, until, color=HEAP, linewidth=2)


def _draw_children(
    axes: Any, timeline: Timeline, window: tuple[float, float], highest: list[float]
) -> list[Label]:
    labels: list[Label] = []
    curves = sorted(timeline.children.items(), key=lambda item: -item[1].peak()[1])
    start = timeline.start
    for number, (process, curve) in enumerate(curves[:_MOST_DRAWN]):
        line = series.thin(series.cut(curve, start, window))
        peak, last = line.peak(), line.last()
        if peak is None or last is None:
            continue
        highest.append(peak[1])
        named = number < _MOST_CHILDREN
        colour = _colour(number) if named else "#c8c8c8"
        axes.plot(line.times, line.sizes, color=colour, linewidth=1.4)
        if named:
            text = f"child {process}\n{units.size(int(peak[1]))} at most"
            labels.append(Label(text, colour, *last))
    if len(curves) > _MOST_CHILDREN:
        axes.text(
            0.99,
            0.02,
            f"and {len(curves) - _MOST_CHILDREN:,} smaller children",
            transform=axes.transAxes,
            horizontalalignment="right",
            color=QUIET,
            fontsize=11,
        )
    return labels


def _draw_brackets(axes: Any, rows: list[_Bar], highest: float) -> None:
    """Draw where calls began and ended, on the curve."""
    tall = highest / 28
    wide = (axes.get_xlim()[1] - axes.get_xlim()[0]) / 150
    for bar in rows:
        span = bar.placed.span
        sides = [(bar.placed.start, span.start_size, 1)]
        if span.end is not None and span.end_size is not None:
            sides.append((bar.placed.end, span.end_size, -1))
        for at, size, inwards in sides:
            foot = at + inwards * wide
            axes.plot(
                [foot, at, at, foot],
                [size + tall, size + tall, size - tall, size - tall],
                color=bar.colour,
                linewidth=1.8,
                solid_joinstyle="miter",
                clip_on=False,
            )


def _draw_rows(axes: Any, rows: list[_Bar], window: tuple[float, float], wanted: Wanted) -> None:
    """Draw calls as bars above the curve: a row a function, or as they nest."""
    width = window[1] - window[0]
    least = width / 700
    for row_colour in dict.fromkeys((bar.row, bar.colour) for bar in rows):
        row, colour = row_colour
        spans = [
            (bar.placed.start, max(bar.placed.end - bar.placed.start, least))
            for bar in rows
            if (bar.row, bar.colour) == row_colour
        ]
        axes.broken_barh(
            spans,
            (row + 0.08, 0.84),
            facecolors=colour,
            alpha=0.28 if wanted.flame else 0.55,
            edgecolor=colour,
            linewidth=0.8,
        )
    if wanted.flame:
        _name_bars(axes, rows, width)
    else:
        _name_rows(axes, rows, window)
    axes.set_yticks([])
    axes.tick_params(length=0, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _name_bars(axes: Any, rows: list[_Bar], width: float) -> None:
    """Write names into the bars that have room for them."""
    for bar in rows:
        room = int((bar.placed.end - bar.placed.start) / width / _LETTER_SHARE) - 1
        if room >= 3:
            axes.text(
                bar.placed.start + width * 0.004,
                bar.row + 0.48,
                fit(known_letters(bar.name), min(room, _NAME)),
                verticalalignment="center",
                color=TEXT,
                fontsize=11,
                parse_math=False,
                clip_on=True,
            )


def _name_rows(axes: Any, rows: list[_Bar], window: tuple[float, float]) -> None:
    """Write right of the picture whose row it is, how many calls there were and how long."""
    of_row: dict[int, list[_Bar]] = {}
    for bar in rows:
        of_row.setdefault(bar.row, []).append(bar)
    for row, bars in of_row.items():
        total = sum(bar.placed.end - bar.placed.start for bar in bars)
        calls = f"{len(bars):,} × " if len(bars) > 1 else ""
        name = fit(known_letters(bars[0].name), 22)
        axes.annotate(
            f"{name}  {calls}{units.duration(total / len(bars))}",
            (window[1], row + 0.48),
            xytext=(8, 0),
            textcoords="offset points",
            verticalalignment="center",
            color=bars[0].colour,
            fontsize=12,
            parse_math=False,
            annotation_clip=False,
        )


def _draw_slope(axes: Any, line: Line) -> list[Label]:
    found = series.slope(line)
    if found is None:
        return []
    axes.plot(
        [found.start, found.end],
        [found.at_start, found.at_end],
        color=TEXT,
        linewidth=1.4,
        linestyle=(0, (6, 4)),
    )
    return [Label(series.slope_text(found), TEXT, found.end, found.at_end)]


class _Moment(NamedTuple):
    """A mark whose name is written: seconds since the start."""

    at: float
    name: str
    row: int


def _moments_of(timeline: Timeline, window: tuple[float, float]) -> list[_Moment]:
    """Give marks rows in which their names do not touch; those that find none have no name."""
    width = window[1] - window[0]
    ends = [-math.inf] * _MOST_MARK_ROWS
    found: list[_Moment] = []
    start = timeline.start
    for mark in timeline.marks:
        at = mark.at - start
        name = fit(known_letters(mark.label), _NAME)
        if not window[0] <= at <= window[1]:
            continue
        row = next((row for row, end in enumerate(ends) if end <= at), None)
        if row is not None:
            ends[row] = at + (len(name) + 2) * _LETTER_SHARE * width
            found.append(_Moment(at, name, row))
    return found


def _name_moments(axes: Any, moments: list[_Moment]) -> None:
    for moment in moments:
        axes.plot(
            [moment.at, moment.at],
            [0, moment.row + 0.8],
            color=QUIET,
            linewidth=0.9,
            linestyle=(0, (2, 2)),
            clip_on=False,
        )
        axes.annotate(
            moment.name,
            (moment.at, moment.row + 0.48),
            xytext=(4, 0),
            textcoords="offset points",
            verticalalignment="center",
            color=QUIET,
            fontsize=11,
            parse_math=False,
            annotation_clip=False,
        )


def _mark_peak(
    axes: Any, peak: tuple[float, float], window: tuple[float, float], remark: str | None
) -> None:
    axes.plot(*peak, marker="o", markersize=7, color=HEAP, markeredgecolor="white")
    share = (peak[0] - window[0]) / (window[1] - window[0])
    text = f"Peak {units.size(int(peak[1]))} at {units.duration(peak[0])}"
    if remark:
        text += "\n" + fit(known_letters(remark), 60)
    half = max(map(len, text.split("\n"))) * _LETTER_SHARE * 1.3 / 2
    side = "left" if share < half else "right" if share > 1 - half else "center"
    axes.annotate(
        text,
        peak,
        xytext=(0, 10),
        textcoords="offset points",
        horizontalalignment=side,
        verticalalignment="bottom",
        color=TEXT,
        parse_math=False,
        annotation_clip=False,
    )


def _draw_several(axes: Any, timelines: Sequence[Timeline], wanted: Wanted) -> None:
    labels: list[Label] = []
    highest, end = [1.0], 0.0
    for number, timeline in enumerate(timelines):
        window = series.window_of(timeline, wanted.window)
        end = max(end, window[1])
        whole = series.cut(timeline.total, timeline.start, window)
        line = series.broken(series.thin(whole), timeline.gaps[:_MOST_LINES], timeline.start)
        colour = RUNS[number % len(RUNS)]
        dashes = ("-", "--", ":")[number // len(RUNS) % 3]
        axes.plot(line.times, line.sizes, color=colour, linewidth=2, linestyle=dashes)
        peak, last = whole.peak(), line.last()
        if peak is None or last is None:
            continue
        highest.append(peak[1])
        axes.plot(*peak, marker="o", markersize=6, color=colour, markeredgecolor="white")
        text = f"{_name_among(timeline, timelines, number)}\npeak {units.size(int(peak[1]))}"
        found = series.slope(whole) if wanted.slope else None
        if found is not None:
            axes.plot(
                [found.start, found.end],
                [found.at_start, found.at_end],
                color=colour,
                linewidth=1.2,
                linestyle=(0, (6, 4)),
            )
            text += f"\n{found.bytes_per_s / series.MIB:+.2f} MiB/s"
        labels.append(Label(text, colour, *last))
    size_axis(axes, max(highest), room=1.06)
    axes.set_xlim(wanted.window[0] if wanted.window else 0, end)
    finish(axes, wanted.title or "Memory, run by run")
    place_labels(axes, labels)


def _name_among(timeline: Timeline, timelines: Sequence[Timeline], number: int) -> str:
    """Name a run: by its command, where others have the same also by its file."""
    command = timeline.command or timeline.path
    same = sum(other.command == timeline.command for other in timelines) > 1
    if same:
        stem = timeline.path.rpartition("/")[2].removesuffix(".dat")
        command = f"{number + 1}: {stem}"
    return fit(known_letters(command), _NAME)

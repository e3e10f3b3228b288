"""Memory over time, drawn by matplotlib: needs the extra ``plot``.

Every line carries its name at its end, so there is no legend. Names come from captures and are
shown as they are: never read as mathematics, and what the font lacks is written as an escape. The
same captures give the same bytes.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any, NamedTuple

from heapscope import picture_events
from heapscope.cli import units
from heapscope.cli.call_tree import program_lines
from heapscope.cli.fitting import fit
from heapscope.cli.summary import headline
from heapscope.picture_style import (
    DPI,
    HEAP,
    INCHES,
    PYTHON,
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
from heapscope.report.manifest import title_of
from heapscope.tables import import_extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapscope import _analysis

_NAME = 36  # letters of a label at most
_DETAIL = 0.0005


class _Run(NamedTuple):
    """What is drawn of a capture: points over seconds; `peak` is one of the heap's."""

    name: str
    capture: str
    times: list[float]
    heap: list[int]
    python: list[tuple[float, int]]
    rss: list[tuple[float, float]]  # sampled at the ends of ticks
    most_rss: int | None  # by the kernel's account, whenever that was
    peak: tuple[float, int]
    sentence: str
    end: float
    events: list[dict[str, Any]]
    spans: list[picture_events.Bar]


def draw(captures: Sequence[_analysis.Capture], kind: str, title: str | None = None) -> bytes:
    """Return a picture of one or more runs.

    Parameters
    ----------
    captures : sequence of heapscope._analysis.Capture
        The runs.
    kind : {"png", "svg", "pdf"}
        The file's format.
    title : str, optional
        Above the picture; else the script's name.

    Raises
    ------
    heapscope.HeapscopeError
        matplotlib is not installed.
    """
    figures = import_extra("matplotlib.figure", "plot")
    runs = [_run_of(capture) for capture in captures]
    with style():
        figure = figures.Figure(figsize=INCHES, dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        labels = _draw_one(axes, runs[0]) if len(runs) == 1 else _draw_several(axes, runs)
        _finish(axes, runs, title or (runs[0].name if len(runs) == 1 else "Heap, run by run"))
        place_labels(axes, labels)
        if len(runs) == 1:
            _draw_events(axes, runs[0])
        written = io.BytesIO()
        figure.savefig(written, format=kind, metadata=file_metadata(kind))
    return written.getvalue()


def _run_of(capture: _analysis.Capture) -> _Run:
    summary, timeline = capture.summary(), capture.timeline()
    ends = timeline["time_s"]
    peak = (summary["peak_at_s"] or 0.0, summary["peak_bytes"])
    last = (max([*ends[-1:], summary["duration_s"] or 0.0, peak[0]]), summary["live_bytes_at_end"])
    # The heap was empty at the start. A maximum inside a tick is drawn in its middle, the peak at
    # its time.
    heap, python = [(0.0, 0)], [(0.0, 0)]
    rss: list[tuple[float, float]] = []
    of_python = iter(capture.python_live_bytes())
    before = 0.0
    columns = ("sampled_by", "live_bytes", "max_live_bytes")
    for end, by, live, most in zip(ends, *(timeline[name] for name in columns), strict=True):
        if by != "tracker":  # sampled from outside: only RSS is known
            continue
        if not before <= peak[0] <= end and most > max(live, heap[-1][1]):
            heap.append(((before + end) / 2, most))
        heap.append((end, live))
        python.append((end, next(of_python)))
        before = end
    heap = sorted([*heap, peak, last], key=lambda point: point[0])
    before = 0.0
    for end, value, most in zip(
        ends, timeline["rss_bytes"], timeline["max_rss_bytes"], strict=True
    ):
        if rss and value is not None and most is not None and most > max(value, rss[-1][1]):
            rss.append(((before + end) / 2, float(most)))
        rss.append((end, math.nan if value is None else float(value)))
        before = end
    own = program_lines(capture.tree(threshold=_DETAIL, all_frames=False))
    return _Run(
        title_of(summary),
        Path(summary["capture"]).stem,
        [time for time, _ in heap],
        [value for _, value in heap],
        python,
        rss,
        summary["peak_rss_bytes"],
        peak,
        headline(summary, own),
        last[0],
        capture.events(),
        picture_events.bars(capture.events(), last[0]),
    )


def _draw_one(axes: Any, run: _Run) -> list[Label]:
    labels = []
    known = [(time, value) for time, value in run.rss if not math.isnan(value)]
    if known:
        times, values = zip(*run.rss, strict=True)
        axes.fill_between(times, values, color=RSS, alpha=0.35, linewidth=0)
        axes.plot(times, values, color=RSS, linewidth=1)
        text = f"RSS {units.size(int(known[-1][1]))}"
        if run.most_rss is not None and run.most_rss > 1.02 * max(value for _, value in known):
            text += f"\nup to {units.size(run.most_rss)}"  # between two ticks
        labels.append(Label(text, QUIET, *known[-1]))
    axes.plot(run.times, run.heap, color=HEAP, linewidth=2.2)
    labels.append(Label(f"heap {units.size(run.heap[-1])}", HEAP, run.end, run.heap[-1]))
    if len(run.python) > 1:
        times, values = zip(*run.python, strict=True)
        axes.plot(times, values, color=PYTHON, linewidth=1.6)
        labels.append(Label(f"Python {units.size(values[-1])}", PYTHON, times[-1], values[-1]))
    _mark_peak(axes, run, HEAP)
    sentence = run.sentence.replace("; ", "\n", 1)
    lines = [fit(known_letters(line), 60) for line in sentence.splitlines()]
    _annotate(axes, run, "\n".join(lines), TEXT, size=14)
    return labels


def _draw_events(axes: Any, run: _Run) -> None:
    end = run.end or 1.0
    picture_events.draw_spans(axes, run.spans, end, _highest([run]), _fitted)
    picture_events.draw_marks(axes, run.events, end, _fitted)


def _fitted(name: str, letters: int) -> str:
    return fit(known_letters(name.replace("\n", " ")[:500]), letters)


def _highest(runs: list[_Run]) -> float:
    return max(
        [1.0]
        + [float(value) for run in runs for value in run.heap]
        + [value for run in runs for _, value in run.rss if not math.isnan(value)]
    )


def _draw_several(axes: Any, runs: list[_Run]) -> list[Label]:
    labels = []
    for number, run in enumerate(runs):
        colour = RUNS[number % len(RUNS)]
        dashes = ("-", "--", ":")[number // len(RUNS) % 3]
        if run.rss:
            times, values = zip(*run.rss, strict=True)
            axes.fill_between(times, values, color=colour, alpha=0.08, linewidth=0)
        axes.plot(run.times, run.heap, color=colour, linewidth=2.2, linestyle=dashes)
        _mark_peak(axes, run, colour)
        name = fit(known_letters(_distinct(run, runs, number)), _NAME)
        text = f"{name}\n{units.size(run.peak[1])} at peak"
        labels.append(Label(text, colour, run.end, run.heap[-1]))
    return labels


def _distinct(run: _Run, runs: list[_Run], number: int) -> str:
    """Name a run among others: by its script, where that does not tell also by its capture."""
    same = [other for other in runs if other.name == run.name]
    if len(same) == 1:
        return run.name
    unique = sum(other.capture == run.capture for other in same) == 1
    return f"{run.name} ({run.capture if unique else number + 1})"


def _mark_peak(axes: Any, run: _Run, colour: str) -> None:
    axes.plot(*run.peak, marker="o", markersize=7, color=colour, markeredgecolor="white")


def _annotate(axes: Any, run: _Run, text: str, colour: str, size: int) -> None:
    """Write above the peak, to the side that has more room."""
    share = run.peak[0] / run.end if run.end else 0.0
    side = "left" if share < 0.4 else "right" if share > 0.6 else "center"
    axes.annotate(
        text,
        run.peak,
        xytext=(0, 10),
        textcoords="offset points",
        horizontalalignment=side,
        verticalalignment="bottom",
        color=colour,
        fontsize=size,
        parse_math=False,
        annotation_clip=False,
    )


def _finish(axes: Any, runs: list[_Run], title: str) -> None:
    # With room for the words above the peak, and for spans above these.
    rows = picture_events.rows_of(runs[0].spans) if len(runs) == 1 else 0
    room = 1.22 + picture_events.ROW * rows if len(runs) == 1 else 1.06
    size_axis(axes, _highest(runs), room=room)
    axes.set_xlim(0, max(run.end for run in runs) or 1.0)
    finish(axes, title)

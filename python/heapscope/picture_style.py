"""What heapscope's pictures have in common: size, colours, letters, axes, labels at lines' ends.

They are drawn by matplotlib (extra ``plot``). Names are shown as they are: never read as
mathematics, and what the font lacks is written as an escape.
"""

from __future__ import annotations

import contextlib
import logging
import math
from typing import Any, NamedTuple

from heapscope.cli import units
from heapscope.cli.fitting import fit, printable
from heapscope.tables import import_extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

INCHES = (10.0, 5.625)  # 16:9
DPI = 160
TEXT = "#222222"
QUIET = "#6b6b6b"
RSS = "#9aa5b1"
HEAP = "#0b62a4"
PYTHON = "#c25b00"
# Told apart by eyes of every kind, on white: Okabe and Ito's, without yellow.
RUNS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8a6d00", "#000000")
STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 14,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "heapscope",
    "text.usetex": False,
}


class Label(NamedTuple):
    """A line's name, and where the line ends."""

    text: str
    colour: str
    x: float
    y: float


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Draw in heapscope's style, whatever the user's settings are.

    Raises
    ------
    heapscope.HeapscopeError
        matplotlib is not installed.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    matplotlib = import_extra("matplotlib", "plot")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def file_metadata(kind: str) -> dict[str, Any]:
    """Leave out what would differ from one call to the next."""
    if kind == "svg":
        return {"Date": None}
    if kind == "pdf":
        return {"CreationDate": None, "Producer": None}
    return {"Software": None}


def size_axis(axes: Any, highest: float, room: float) -> None:
    """Scale the axis of sizes from 0 to `highest`, with `room` times that, in binary units."""
    import_extra("matplotlib.ticker", "plot")
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    axes.set_ylim(0, highest * room)
    unit = 1024 ** min(int(math.log(max(highest, 1), 1024)), 6)
    marks = MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(0, highest * 1.1 / unit)
    axes.yaxis.set_major_locator(
        FixedLocator([mark * unit for mark in marks if mark * unit <= highest * 1.1])
    )
    name = units.size(unit).partition(" ")[2]
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value / unit:g} {name}" if value else "0")
    )


def finish(axes: Any, title: str) -> None:
    """Draw grid, ticks, the title and what the axis of time tells."""
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=QUIET, length=0, pad=7)
    for spine in ("left", "bottom"):
        axes.spines[spine].set_color("#c8c8c8")
    axes.set_xlabel("seconds since the start", color=QUIET, loc="left")
    axes.set_title(
        fit(known_letters(title), 64), loc="left", color=TEXT, fontweight="bold", parse_math=False
    )


def place_labels(axes: Any, labels: list[Label], share: float = 1.0) -> None:
    """Write the names right of the picture at the lines' ends, far enough apart to be read.

    A thin line leads there from where a run ended early. The axes have so large a share of the
    picture's height.
    """
    height = INCHES[1] * 72 * 0.78 * share  # of the axes, about
    top, end = axes.get_ylim()[1], axes.get_xlim()[1]
    ordered = sorted(labels, key=lambda label: label.y)
    heights = [18.0 * (label.text.count("\n") + 1) / height for label in ordered]
    squeeze = min(1.0, 1.0 / (sum(heights) or 1.0))
    spots: list[float] = []
    for position, label in enumerate(ordered):
        least = spots[-1] + squeeze * _half(heights, position - 1) if spots else 0.0
        spots.append(max(label.y / top, least))
    limit = 1.0
    for position in reversed(range(len(spots))):
        spots[position] = min(spots[position], limit)
        limit = spots[position] - squeeze * _half(heights, position - 1)
    for label, spot in zip(ordered, spots, strict=True):
        if label.x < 0.97 * end:
            axes.plot(
                [label.x, end],
                [label.y, spot * top],
                color=label.colour,
                linewidth=1,
                linestyle=":",
            )
        axes.annotate(
            label.text,
            (1, spot),
            xycoords="axes fraction",
            xytext=(8, 0),
            textcoords="offset points",
            verticalalignment="center",
            color=label.colour,
            fontsize=13,
            parse_math=False,
            annotation_clip=False,
        )


def _half(heights: list[float], position: int) -> float:
    """Return how far the middles of a label and the next one are apart at least."""
    return sum(heights[max(position, 0) : position + 2]) / 2


def known_letters(text: str) -> str:
    """Write what the font has no letter for as an escape."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    letters = get_font(findfont(FontProperties(family=STYLE["font.family"]))).get_charmap()
    return "".join(
        letter if letter == "\n" or ord(letter) in letters else ascii(letter)[1:-1]
        for letter in "\n".join(map(printable, text.split("\n")))
    )

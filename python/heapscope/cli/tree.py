"""``heapscope tree``: who called the lines that hold the memory.

Figures stand left of the tree, so that depth never costs a digit. A frame whose memory all comes
from one callee does not indent: stacks of real programs are deep, and only where they part matters.
"""

from __future__ import annotations

from heapscope.cli import output, places, reading, units
from heapscope.cli.metrics import METRICS
from heapscope.cli.options import Parser, fraction

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    from heapscope.cli.metrics import Metric

    Node = dict[str, Any]
    Branch = tuple[str, str, Node | str]

_EXAMPLE = """\
  heapscope tree work.hscope
  heapscope tree work.hscope --metric temporary --threshold 5% --invert"""
_WIDEST_GUIDE = 0.5
_LONG_WAY = 3


def run(arguments: list[str]) -> int:
    """Print the tree; `arguments` are those after the verb."""
    parser = Parser("tree", "The call tree of a capture, heaviest first.", _EXAMPLE)
    parser.add_metric()
    parser.add_argument(
        "--threshold",
        type=fraction,
        default=0.01,
        metavar="1%",
        help="fold what is smaller than this share of the total (default: 1%%)",
    )
    parser.add_argument(
        "--invert", action="store_true", help="from the allocating line up to its callers"
    )
    parser.add_argument(
        "--all-frames",
        action="store_true",
        help="also the frames of importlib, which else count for the line that imports, and every "
        "call on a long way through a library",
    )
    options = parser.parse_args(arguments)
    capture = reading.open_capture(options.capture)
    root = capture.tree(
        metric=options.metric,
        threshold=options.threshold,
        invert=options.invert,
        all_frames=options.all_frames or options.json,
    )
    output.prepare_stdout()
    if options.json:
        output.write_json(root)
    else:
        metric = METRICS[options.metric]
        console = output.make_console(options.no_color)
        _print(console, root, metric, options)
        nexts = [("tree {} --invert", "from the allocating lines up")]
        if options.invert:
            nexts = [("table {} --group-by function", "the heaviest functions")]
        output.hint(
            console, options.quiet, options.capture, *nexts, ("top {}", "look around, full screen")
        )
    return reading.remark(capture, options.capture, options.quiet)


class Line:
    """One printed line of the tree: a node, or what was folded under one."""

    __slots__ = ("guide", "node", "text")

    def __init__(self, guide: str, node: Node | None, text: str = "") -> None:
        self.guide = guide
        self.node = node
        self.text = text


def lay_out(root: Node, least: float) -> Iterator[Line]:
    """Yield the lines of a tree from its root's children on, top to bottom.

    Parameters
    ----------
    root : dict
        The tree.
    least : float
        Bytes below which what was folded is not worth a line.
    """
    pending = list(reversed(_branches(root, "", least)))
    if len(pending) == 1:
        pending = [("", "", pending[0][2])]
    while pending:
        own, below, item = pending.pop()
        if isinstance(item, str):
            yield Line(own, None, item)
            continue
        yield Line(own, item)
        branches = _branches(item, below, least)
        if len(branches) == 1:
            pending.append((below, below, branches[0][2]))
        else:
            pending.extend(reversed(branches))


def fold_libraries(lines: list[Line], least: float) -> Iterator[Line]:
    """Yield the lines with long ways through libraries cut short.

    Where library code calls itself on and on, and the memory neither parts nor is its own, the
    first and the last call of the way tell what there is to tell.

    Parameters
    ----------
    lines : list of Line
        As laid out.
    least : float
        Bytes of its own from which on a call is always shown.
    """

    def of_library(line: Line) -> bool:
        return line.node is not None and line.node["owner"] in ("library", "interpreter")

    def is_between(index: int) -> bool:
        line = lines[index]
        if not 0 < index < len(lines) - 1 or line.guide.endswith(("├ ", "└ ")):
            return False
        if line.node is None or line.node["self_bytes"] >= max(least, 1):
            return False
        before, after = lines[index - 1], lines[index + 1]
        return all(map(of_library, (before, line, after))) and line.guide == after.guide

    way: list[Line] = []
    for index, line in enumerate(lines):
        if is_between(index):
            way.append(line)
            continue
        yield from _shortened(way)
        way = []
        yield line


def _shortened(way: list[Line]) -> list[Line]:
    if len(way) < _LONG_WAY:
        return way
    packages = {places.package(line.node["file"]) for line in way if line.node is not None}
    inside = f"inside {packages.pop()}" if len(packages) == 1 else "inside libraries"
    return [Line(way[0].guide, None, f"  {units.count(len(way))} calls {inside}")]


def _branches(node: Node, guide: str, least: float) -> list[Branch]:
    """Return a node's children with the guides of their first line and of the lines below."""
    children: list[Node | str] = list(node["children"])
    hidden = node["hidden"]
    if hidden["rows"] and hidden["bytes"] >= least and children:
        children.append(f"{units.count(hidden['rows'])} smaller: {units.size(hidden['bytes'])}")
    branches: list[Branch] = []
    for index, child in enumerate(children):
        last = index == len(children) - 1
        own = guide + ("└ " if last else "├ ")
        below = guide + ("  " if last else "│ ")
        branches.append((own, below, child))
    return branches


def _print(console: Console, root: Node, metric: Metric, options: argparse.Namespace) -> None:
    from rich.text import Text

    least, invert = options.threshold * root["bytes"], options.invert

    total = units.count(root["blocks"]) if metric.by_count else units.size(root["bytes"])
    console.print(Text(f"{total} {metric.title}", style="bold"), soft_wrap=True)
    if not root["children"]:
        return
    console.print()
    rows: list[tuple[tuple[str, str], Callable[[int], Text]]] = []
    allocating = {id(node) for node in root["children"]} if invert else set()
    lines = list(lay_out(root, least))
    if not options.all_frames:
        lines = list(fold_libraries(lines, least))
    for line in lines:
        if line.node is None:
            rows.append((("", ""), _folded(line)))
            continue
        node = line.node
        with_source = id(node) in allocating if invert else node["self_bytes"] >= max(least, 1)
        figure = units.count(node["blocks"]) if metric.by_count else units.size(node["bytes"])
        rows.append(((figure, _share(node["share"])), _frame(line, with_source)))
    figure = "count" if metric.by_count else "bytes"
    output.print_rows(console, [figure, "share", "line, function"], rows)


def _share(part: float) -> str:
    return units.share(round(part * 1_000_000), 1_000_000)


def _guide(line: Line, width: int) -> str:
    most = int(width * _WIDEST_GUIDE)
    return line.guide if len(line.guide) <= most else "…" + line.guide[1 - most :]


def _folded(line: Line) -> Callable[[int], Text]:
    def make(width: int) -> Text:
        from rich.text import Text

        guide = _guide(line, width)
        return Text.assemble(guide, (places.fit_end(line.text, width - len(guide)), "dim"))

    return make


def _frame(line: Line, with_source: bool) -> Callable[[int], Text]:
    """Label a frame: function and place; the source too where memory is its own."""
    node = line.node
    assert node is not None

    def make(width: int) -> Text:
        from rich.text import Text

        guide = _guide(line, width)
        room = width - len(guide)
        where = places.place(node.get("file"), node.get("line"))
        function = places.function_of(node)
        label = Text(guide + places.fit_pair(where, function, room))
        text = places.source(node.get("file"), node.get("line"))
        if text and with_source:
            below = guide.replace("├", "│").replace("└", " ")
            label.append(f"\n{below}  ")
            label.append(places.fit_end(text, room - 2), style="dim")
        return label

    return make

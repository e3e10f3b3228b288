"""``heapscope tree``: who called the lines that hold the memory.

Figures stand left of the tree, so that depth never costs a digit. A frame whose memory all comes
from one callee does not indent: stacks of real programs are deep, and only where they part matters.
"""

from __future__ import annotations

from heapscope.cli import output, places, reading, units
from heapscope.cli.options import Parser, fraction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from rich.console import Console
    from rich.text import Text

    Node = dict[str, Any]

_EXAMPLE = """\
  heapscope tree work.hscope
  heapscope tree work.hscope --metric temporary --threshold 5% --invert"""
_IMPORT_MACHINERY = "<frozen importlib."
_WIDEST_GUIDE = 0.5


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
    options = parser.parse_args(arguments)
    capture = reading.open_capture(options.capture)
    root = capture.tree(metric=options.metric, threshold=options.threshold, invert=options.invert)
    output.prepare_stdout()
    if options.json:
        output.write_json(
            {
                "schema": "heapscope/tree/1",
                "capture": options.capture,
                "metric": options.metric,
                "threshold": options.threshold,
                "invert": options.invert,
                "total_bytes": root["bytes"],
                "root": root,
            }
        )
    else:
        _print(output.make_console(options.no_color), root, options.metric)
    return reading.remark(capture, options.capture, options.quiet)


class Line:
    """One printed line of the tree: a node, or what was folded under one."""

    __slots__ = ("guide", "node", "text")

    def __init__(self, guide: str, node: Node | None, text: str = "") -> None:
        self.guide = guide
        self.node = node
        self.text = text


def lay_out(root: Node) -> Iterator[Line]:
    """Yield the lines of a tree from its root's children on, top to bottom.

    Iterative, because a tree may be deeper than Python's own stack.
    """
    pending: list[tuple[str, str, Node | Line]] = list(reversed(_branches(root, "", top=True)))
    while pending:
        own, below, item = pending.pop()
        if isinstance(item, Line):
            yield item
            continue
        node = item
        skipped = 0
        while _is_import_machinery(node) and _only_child(node):
            node, skipped = node["children"][0], skipped + 1
        if skipped:
            yield Line(own, None, f"… {skipped} frame{'s' if skipped > 1 else ''} of importlib")
            own = below
        yield Line(own, node)
        if _only_child(node):
            pending.append((below, below, node["children"][0]))
        else:
            pending.extend(reversed(_branches(node, below)))


def _branches(node: Node, guide: str, top: bool = False) -> list[tuple[str, str, Node | Line]]:
    """Return a node's children with the guides of their first line and of the lines below."""
    children: list[Node | Line] = list(node["children"])
    hidden = node.get("hidden") or {}
    if hidden.get("rows"):
        rows = hidden["rows"]
        children.append(
            Line("", None, f"{units.count(rows)} smaller: {units.size(hidden['bytes'])}")
        )
    branches: list[tuple[str, str, Node | Line]] = []
    for index, child in enumerate(children):
        last = index == len(children) - 1
        own = "" if top else guide + ("└ " if last else "├ ")
        below = "" if top else guide + ("  " if last else "│ ")
        if isinstance(child, Line):
            child = Line(own, None, child.text)
        branches.append((own, below, child))
    return branches


def _only_child(node: Node) -> bool:
    hidden = node.get("hidden") or {}
    return (
        len(node["children"]) == 1
        and not hidden.get("rows")
        and node["children"][0]["bytes"] == node["bytes"]
    )


def _is_import_machinery(node: Node) -> bool:
    return (node.get("file") or "").startswith(_IMPORT_MACHINERY)


def _print(console: Console, root: Node, metric: str) -> None:
    from rich.text import Text

    by_count = metric == "count"
    total = units.count(root["blocks"]) if by_count else units.size(root["bytes"])
    titles = {
        "peak": "bytes at the peak",
        "live": "bytes live at the end",
        "allocated": "bytes allocated in all",
        "temporary": "bytes allocated for a moment",
        "count": "allocations",
    }
    console.print(Text(f"{total}: {titles[metric]}", style="bold"), soft_wrap=True)
    if not root["children"] and not (root.get("hidden") or {}).get("rows"):
        return
    console.print()
    rows = []
    for line in lay_out(root):
        if line.node is None:
            rows.append((("", ""), _folded(line)))
            continue
        node = line.node
        figure = units.count(node["blocks"]) if by_count else units.size(node["bytes"])
        rows.append(((figure, _share(node["share"])), _frame(line)))
    output.print_rows(console, [metric, "share", "function"], rows)


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


def _frame(line: Line) -> Callable[[int], Text]:
    """Label a frame: function and place; the source too where memory is its own."""
    node = line.node
    assert node is not None

    def make(width: int) -> Text:
        from rich.text import Text

        guide = _guide(line, width)
        room = width - len(guide)
        where = places.place(node.get("file"), node.get("line"))
        function = node.get("function") or ""
        label = Text(guide + places.fit_pair(where, function, room))
        text = places.source(node.get("file"), node.get("line"))
        if text and node["self_bytes"]:
            below = guide.replace("├", "│").replace("└", " ")
            label.append(f"\n{below}  ")
            label.append(places.fit_end(text, room - 2), style="dim")
        return label

    return make

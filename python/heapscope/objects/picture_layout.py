"""A picture of objects as SVG, laid out here: columns from left to right, a tidy tree of boxes.

What a box was found through stands beside it without crossings; other arrows are dashed curves.
O(boxes + arrows).
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from heapscope.objects.picture_words import BOX_COLOURS, beyond_line, clean, cut, size_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapscope.objects.picture_graph import Edge, Node, PictureGraph

_CHARACTER = 6.6  # px, of 11 px text
_BOLD = 1.12  # how much wider bold text is
_LINE = 15
_PAD = 9
_GAP_Y = 12
_LEAST_GAP_X = 48
_MARGIN = 16
_LONGEST_NAME = 28


@dataclass
class _Box:
    node: Node
    lines: list[str]
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0  # of its middle


def to_svg(picture: PictureGraph) -> str:
    """Return the picture as one SVG document without scripts or references."""
    boxes = {key: _box(node) for key, node in picture.nodes.items()}
    _place(picture, boxes)
    header = [picture.title, *picture.left_out]
    top = _MARGIN + _LINE * len(header) + _GAP_Y
    low = min((box.y - box.height / 2 for box in boxes.values()), default=0.0)
    for box in boxes.values():
        box.y += top - low
    widest_line = max(len(line) for line in header) * _CHARACTER
    width = max([widest_line, *(box.x + box.width for box in boxes.values())]) + _MARGIN
    height = max([top, *(box.y + box.height / 2 for box in boxes.values())]) + _MARGIN
    for edge in picture.edges:
        source, target = boxes[edge.source], boxes[edge.target]
        if target.x <= source.x + source.width:
            right = max(source.x + source.width, target.x + target.width)
            width = max(width, right + 34)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f"aria-label={quoteattr(clean(picture.title))} "
        'font-family="Helvetica, Arial, sans-serif" font-size="11">',
        f"<defs>{_head('arrow', '#5b6575')}{_head('crossing', '#aab2bf')}</defs>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    for position, line in enumerate(header):
        style = 'font-weight="bold" fill="#111827"' if position == 0 else 'fill="#4b5563"'
        y = _MARGIN + _LINE * (position + 0.8)
        parts.append(f'<text x="{_MARGIN}" y="{y:.1f}" {style}>{_text(line)}</text>')
    # What crosses lies below, names above all lines.
    labels: list[str] = []
    for edge in sorted(picture.edges, key=lambda each: each.tree):
        arrow, label = _arrow(edge, boxes[edge.source], boxes[edge.target], picture.mirrored)
        parts.append(arrow)
        labels.append(label)
    parts += [*labels, *(_drawn(box) for box in boxes.values())]
    return "\n".join([*parts, "</svg>", ""])


def _head(name: str, colour: str) -> str:
    return (
        f'<marker id="heapscope-{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{colour}"/></marker>'
    )


def _box(node: Node) -> _Box:
    lines = [
        line for line in (cut(node.title), node.text, size_line(node), beyond_line(node)) if line
    ]
    widths = [len(clean(line)) * _CHARACTER for line in lines]
    widths[0] *= _BOLD
    width = max(widths) + 2 * _PAD
    return _Box(node, lines, width, len(lines) * _LINE + _PAD)


def _place(picture: PictureGraph, boxes: dict[str, _Box]) -> None:
    """Give each box its column and, by a walk of the tree, a height of its own."""
    children: dict[str, list[str]] = {key: [] for key in boxes}
    parented: set[str] = set()
    for edge in picture.edges:
        parent, child = edge.source, edge.target
        if picture.mirrored:
            parent, child = child, parent
        if edge.tree and child not in parented:
            children[parent].append(child)
            parented.add(child)
    next_y = 0.0
    top: dict[str, float] = {}
    for start in [key for key in boxes if key not in parented]:
        # Children first; the middle of a parent is that of its first and last child.
        pending = [(start, False)]
        while pending:
            key, done = pending.pop()
            box = boxes[key]
            if not done:
                top[key] = next_y
                pending.append((key, True))
                pending += [(child, False) for child in reversed(children[key])]
            elif children[key]:
                first, last = boxes[children[key][0]], boxes[children[key][-1]]
                box.y = (first.y + last.y) / 2
                low = top[key] - (box.y - box.height / 2)
                if low > 0:  # it is taller than all of its children
                    _move(key, low, boxes, children)
                    next_y += low
                next_y = max(next_y, box.y + box.height / 2 + _GAP_Y)
            else:
                box.y = next_y + box.height / 2
                next_y += box.height + _GAP_Y
    columns = sorted({box.node.column for box in boxes.values()})
    x = float(_MARGIN)
    for position, column in enumerate(columns):
        members = [box for box in boxes.values() if box.node.column == column]
        widest = max(box.width for box in members)
        for box in members:
            box.x = x
            if picture.mirrored:
                box.x += widest - box.width
        following = columns[position + 1] if position + 1 < len(columns) else None
        names = [
            len(cut(edge.name, _LONGEST_NAME))
            for edge in picture.edges
            if edge.tree
            and {boxes[edge.source].node.column, boxes[edge.target].node.column}
            == {column, following}
        ]
        x += widest + max(_LEAST_GAP_X, max(names, default=0) * _CHARACTER + 28)


def _move(
    key: str, by: float, boxes: dict[str, _Box], children: Mapping[str, Sequence[str]]
) -> None:
    pending = [key]
    while pending:
        each = pending.pop()
        boxes[each].y += by
        pending += children[each]


def _arrow(edge: Edge, source: _Box, target: _Box, mirrored: bool) -> tuple[str, str]:
    """Return the line, and its name, which is drawn later."""
    name = cut(edge.name, _LONGEST_NAME)
    colour, head = ("#5b6575", "arrow") if edge.tree else ("#aab2bf", "crossing")
    stroke = f'fill="none" stroke="{colour}" marker-end="url(#heapscope-{head})"'
    forward = target.x > source.x + source.width
    start = source.x + source.width
    if forward:
        end = target.x - 1
        bend = min(60.0, (end - start) / 2)
        path = (
            f"M{start:.1f} {source.y:.1f} C{start + bend:.1f} {source.y:.1f} "
            f"{end - bend:.1f} {target.y:.1f} {end:.1f} {target.y:.1f}"
        )
        before, behind = (start + 8, source.y - 6, "start"), (end - 10, target.y - 6, "end")
        label = before if mirrored else behind
    else:
        end = target.x + target.width + 1
        bend = max(start, end) + 34
        low = source.y if source is not target else source.y - source.height / 4
        high = target.y if source is not target else target.y + target.height / 4
        path = (
            f"M{start:.1f} {low:.1f} C{bend:.1f} {low:.1f} "
            f"{bend:.1f} {high:.1f} {end:.1f} {high:.1f}"
        )
        label = (bend - 6, (low + high) / 2, "start")
    dashes = "" if edge.tree else ' stroke-dasharray="4 3"'
    drawn = f'<g><title>{_text(edge.name)}</title><path d="{path}" {stroke}{dashes}/></g>'
    if not name or not edge.tree:
        return drawn, ""
    x, y, anchor = label
    return drawn, (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="10" fill="#3a4252" '
        f'stroke="#ffffff" stroke-width="3" paint-order="stroke">{_text(name)}</text>'
    )


def _drawn(box: _Box) -> str:
    node = box.node
    fill, stroke = BOX_COLOURS["highlight" if node.highlight else node.kind]
    dashes = ' stroke-dasharray="4 3"' if node.kind == "rest" else ""
    top = box.y - box.height / 2
    parts = [
        f"<g><title>{_text(node.title)}</title>"
        f'<rect x="{box.x:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="5" fill="{fill}" stroke="{stroke}"{dashes}/>'
    ]
    for position, line in enumerate(box.lines):
        weight = ' font-weight="bold"' if position == 0 and node.kind != "rest" else ""
        y = top + _PAD / 2 + _LINE * (position + 0.75)
        parts.append(
            f'<text x="{box.x + _PAD:.1f}" y="{y:.1f}" fill="#111827"{weight}>{_text(line)}</text>'
        )
    return "".join(parts) + "</g>"


def _text(text: str) -> str:
    return escape(clean(text))

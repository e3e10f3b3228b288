"""Words and colours that both ways of drawing share."""

from __future__ import annotations

from heapscope.cli.units import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.objects.picture_graph import Node

# Fill and outline by kind of box. Meaning is in words too: a root's label, the start's sizes.
BOX_COLOURS = {
    "start": ("#dbeafe", "#1d4ed8"),
    "object": ("#ffffff", "#8a94a6"),
    "root": ("#dcfce7", "#15803d"),
    "rest": ("#f8fafc", "#8a94a6"),
    "highlight": ("#fef3c7", "#b45309"),
}
_LONGEST = 36


def cut(text: str, longest: int = _LONGEST) -> str:
    """Shorten in the middle: the ends of names tell most."""
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return text[:head] + "…" + text[len(text) - (longest - 1 - head) :]


def clean(text: str) -> str:
    """Write what is no printable text as escapes."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def beyond_line(node: Node) -> str:
    """Say how many neighbours lie deeper than the picture goes."""
    return f"{node.beyond:,} more not followed" if node.beyond else ""


def size_line(node: Node) -> str:
    """Say how large an object is: its own bytes, and what it retains where that is more."""
    if node.size_bytes is None:
        return ""
    own = size(node.size_bytes)
    if node.retained_bytes is None or node.retained_bytes == node.size_bytes:
        return own
    return f"{own}, retains {size(node.retained_bytes)}"

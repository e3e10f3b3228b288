"""A picture of objects in Graphviz's language, and drawn by its ``dot`` where that is installed."""

from __future__ import annotations

import shutil
import subprocess

from heapscope.errors import HeapscopeError
from heapscope.objects.picture_words import BOX_COLOURS, beyond_line, clean, cut, size_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope.objects.picture_graph import PictureGraph

_DEADLINE_S = 60


def to_dot(picture: PictureGraph) -> str:
    """Return the picture as text for ``dot``."""
    lines = [
        "digraph objects {",
        '  graph [rankdir=LR, fontname="Helvetica", fontsize=12, labelloc=t, labeljust=l, '
        f"label={_quoted(chr(10).join([picture.title, *picture.left_out]), left=True)}];",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, '
        'color="#8a94a6", fillcolor=white, margin="0.12,0.06"];',
        '  edge [fontname="Helvetica", fontsize=10, color="#5b6575", fontcolor="#3a4252"];',
    ]
    for node in picture.nodes.values():
        label = "\n".join(
            filter(None, [cut(node.title), node.text, size_line(node), beyond_line(node)])
        )
        fill, stroke = BOX_COLOURS["highlight" if node.highlight else node.kind]
        style = "rounded,filled,dashed" if node.kind == "rest" else "rounded,filled"
        lines.append(
            f"  {_quoted(node.key)} [label={_quoted(label)}, tooltip={_quoted(node.title)}, "
            f'style="{style}", fillcolor="{fill}", color="{stroke}"];'
        )
    for edge in picture.edges:
        style = "" if edge.tree else ', style=dashed, constraint=false, color="#aab2bf"'
        lines.append(
            f"  {_quoted(edge.source)} -> {_quoted(edge.target)} "
            f"[label={_quoted(cut(edge.name))}, tooltip={_quoted(edge.name)}{style}];"
        )
    return "\n".join([*lines, "}", ""])


def find_dot() -> str | None:
    """Return Graphviz's program, or None."""
    return shutil.which("dot")


def run_dot(dot: str, kind: str, text: str) -> bytes:
    """Draw text as ``svg`` or ``png``.

    Raises
    ------
    heapscope.HeapscopeError
        It fails, or takes more than a minute.
    """
    try:
        done = subprocess.run(
            [dot, f"-T{kind}"], input=text.encode(), capture_output=True, timeout=_DEADLINE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HeapscopeError(f"dot did not draw it: {error}") from None
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or ["it failed"]
        raise HeapscopeError(f"dot did not draw it: {reason[-1]}")
    return done.stdout


def _quoted(text: str, *, left: bool = False) -> str:
    """Write a string of DOT's; its lines are centred, or begin at the left."""
    end = "\\l" if left else "\\n"
    lines = [clean(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n")]
    return '"' + end.join(lines) + (end if left else "") + '"'

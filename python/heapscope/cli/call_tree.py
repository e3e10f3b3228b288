"""The program's own lines in a call tree: on whose behalf libraries allocate.

Works on the nodes that ``_analysis.Capture.tree`` returns. Iterative, because a tree may be deeper
than Python's own stack. O(nodes).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Node = dict[str, Any]
    Place = tuple[str, int | None]
    Callee = tuple[str, str]


def program_lines(root: Node) -> list[Node]:
    """Attribute every byte to the innermost line of the program itself that led to it.

    Libraries allocate on somebody's behalf: this is on whose. Whose code a node is, its ``owner``
    says.

    Returns
    -------
    list of dict
        ``function, file, line, bytes, callee``, heaviest first; where functions share a line (a
        lambda in it), the heaviest is named. ``callee`` is what the line called that led to most
        (``function, file, bytes``), None where the line called nothing that allocated. What no line
        of the program led to is in none of them.
    """
    totals: dict[Place, int] = {}
    functions: dict[Place, dict[str, int]] = {}
    callees: dict[Place, dict[Callee, int]] = {}
    pending: list[tuple[Node, Node | None, Callee | None]]
    pending = [(child, None, None) for child in root["children"]]
    while pending:
        node, owner, callee = pending.pop()
        if node["owner"] == "program":
            owner, callee = node, None
        elif callee is None:
            callee = (node["function"], node["file"])
        if owner is not None:
            place = (owner["file"], owner["line"])
            direct = node["self_bytes"] + node["hidden"]["bytes"]
            totals[place] = totals.get(place, 0) + direct
            shares = functions.setdefault(place, {})
            shares[owner["function"]] = shares.get(owner["function"], 0) + direct
            if callee is not None:
                called = callees.setdefault(place, {})
                called[callee] = called.get(callee, 0) + direct
        pending.extend((child, owner, callee) for child in node["children"])
    ordered = sorted(totals.items(), key=lambda item: item[1], reverse=True)
    return [
        {
            "function": max(functions[place], key=functions[place].__getitem__),
            "file": place[0],
            "line": place[1],
            "bytes": total,
            "callee": _heaviest(callees.get(place, {})),
        }
        for place, total in ordered
        if total
    ]


def _heaviest(called: dict[Callee, int]) -> Node | None:
    if not called:
        return None
    callee = max(called, key=called.__getitem__)
    return {"function": callee[0], "file": callee[1], "bytes": called[callee]}

"""The call tree as people read it: the import machinery left out, the program's own lines found.

Works on the nodes that ``_analysis.Capture.tree`` returns and makes nodes of the same shape.
Iterative, because a tree may be deeper than Python's own stack. O(nodes).
"""

from __future__ import annotations

from heapscope.cli.places import is_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Node = dict[str, Any]
    Key = tuple[str, str, int | None]
    Place = tuple[str, int | None]

_IMPORT_MACHINERY = "<frozen importlib."


def without_import_machinery(root: Node, weight: str = "bytes") -> Node:
    """Return the tree without importlib's frames: an import's callee hangs under the import.

    What importlib allocated itself is counted in ``hidden`` of the node above. Nodes that come to
    lie side by side with the same function, file and line become one. Children are ordered by
    `weight`, ``bytes`` or ``blocks``.
    """
    top = _bare([root])
    pending = [(top, [root])]
    while pending:
        node, sources = pending.pop()
        groups: dict[Key, list[Node]] = {}
        for child in _children(node, sources):
            key = (child["function"], child["file"], child["line"])
            groups.setdefault(key, []).append(child)
        for group in groups.values():
            merged = _bare(group)
            node["children"].append(merged)
            pending.append((merged, group))
        node["children"].sort(key=lambda child: child[weight], reverse=True)
    return top


def program_lines(root: Node) -> list[Node]:
    """Attribute every byte to the innermost line of the program itself that led to it.

    Libraries allocate on somebody's behalf: this is on whose. The program is what is neither the
    standard library nor an installed package.

    Returns
    -------
    list of dict
        ``function, file, line, bytes``, heaviest first; where functions share a line (a lambda in
        it), the heaviest is named. What no line of the program led to is in none of them.
    """
    totals: dict[Place, int] = {}
    functions: dict[Place, dict[str, int]] = {}
    pending: list[tuple[Node, Node | None]] = [(root, None)]
    while pending:
        node, owner = pending.pop()
        if is_program(node["file"]):
            owner = node
        if owner is not None:
            place = (owner["file"], owner["line"])
            direct = node["self_bytes"] + node["hidden"]["bytes"]
            totals[place] = totals.get(place, 0) + direct
            shares = functions.setdefault(place, {})
            shares[owner["function"]] = shares.get(owner["function"], 0) + direct
        pending.extend((child, owner) for child in node["children"])
    ordered = sorted(totals.items(), key=lambda item: item[1], reverse=True)
    rows = []
    for place, total in ordered:
        if total:
            by_function = functions[place]
            function = max(by_function, key=lambda name: by_function[name])
            rows.append({"function": function, "file": place[0], "line": place[1], "bytes": total})
    return rows


def _bare(sources: list[Node]) -> Node:
    """Return one node with the figures of several and no children yet."""
    node = dict(sources[0], children=[])
    for name in ("bytes", "blocks", "self_bytes", "self_blocks", "share"):
        node[name] = sum(source[name] for source in sources)
    node["hidden"] = {
        name: sum(source["hidden"][name] for source in sources) for name in ("rows", "bytes")
    }
    return node


def _children(node: Node, sources: list[Node]) -> list[Node]:
    """Return the children of some nodes, those of importlib's frames in place of the frames."""
    kept = []
    pending = [child for source in sources for child in source["children"]]
    while pending:
        child = pending.pop()
        if not child["file"].startswith(_IMPORT_MACHINERY):
            kept.append(child)
            continue
        node["hidden"]["rows"] += child["hidden"]["rows"] + 1
        node["hidden"]["bytes"] += child["hidden"]["bytes"] + child["self_bytes"]
        pending.extend(child["children"])
    return kept

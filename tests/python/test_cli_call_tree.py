"""The call tree as the terminal shows it; the trees here are small enough to know the answer."""

from __future__ import annotations

from typing import Any

from heapscope.cli.call_tree import program_lines, without_import_machinery
from heapscope.cli.tree import lay_out

IMPORTLIB = "<frozen importlib._bootstrap>"


def node(
    place: str, own: int = 0, *children: dict[str, Any], hidden: tuple[int, int] = (0, 0)
) -> dict[str, Any]:
    """Make a node whose bytes are its own, its children's and its hidden ones."""
    file, _, line = place.partition(":")
    total = own + sum(child["bytes"] for child in children) + hidden[1]
    return {
        "function": "f",
        "file": file,
        "line": int(line) if line else None,
        "bytes": total,
        "blocks": total // 10,
        "self_bytes": own,
        "self_blocks": own // 10,
        "share": total / 1000,
        "children": list(children),
        "hidden": {"rows": hidden[0], "bytes": hidden[1]},
    }


def places(tree: dict[str, Any]) -> list[str]:
    """List the lines of a laid out tree with their guides."""
    found = []
    for line in lay_out(tree, 10):
        text = line.text if line.node is None else f"{line.node['file']}:{line.node['line']}"
        found.append(line.guide + text)
    return found


def check_sums(tree: dict[str, Any]) -> None:
    pending = [tree]
    while pending:
        one = pending.pop()
        parts = sum(child["bytes"] for child in one["children"])
        assert one["bytes"] == one["self_bytes"] + parts + one["hidden"]["bytes"]
        pending.extend(one["children"])


def test_imports_hang_under_the_line_that_imports() -> None:
    tree = node(
        "",
        0,
        node(
            "work.py:1",
            10,
            node(
                f"{IMPORTLIB}:1",
                5,
                node(f"{IMPORTLIB}:2", 0, node("package.py:1", 100), hidden=(2, 1)),
                node(f"{IMPORTLIB}:3", 3, node("package.py:1", 50)),
            ),
        ),
    )
    found = without_import_machinery(tree)
    check_sums(found)
    assert places(found) == ["work.py:1", "package.py:1"]
    (work,) = found["children"]
    assert work["bytes"] == 169
    assert work["hidden"] == {"rows": 5, "bytes": 9}
    assert [child["bytes"] for child in work["children"]] == [150]


def test_a_tree_deeper_than_the_interpreters_stack_is_shown() -> None:
    deep = node("work.py:1", 100)
    for _ in range(5_000):
        deep = node("work.py:1", 0, node(f"{IMPORTLIB}:1", 0, deep))
    found = without_import_machinery(node("", 0, deep))
    assert places(found) == ["work.py:1"] * 5_001
    assert program_lines(found) == [{"function": "f", "file": "work.py", "line": 1, "bytes": 100}]


def test_only_branches_indent() -> None:
    tree = node(
        "",
        0,
        node(
            "a:1",
            0,
            node("b:1", 0, node("c:1", 300), node("d:1", 0, node("e:1", 200)), hidden=(3, 40)),
        ),
    )
    assert places(tree) == [
        "a:1",
        "b:1",
        "├ c:1",
        "├ d:1",
        "│ e:1",
        "└ 3 smaller: 40 B",
    ]


def test_what_is_folded_and_too_small_is_not_worth_a_line() -> None:
    tree = node("", 0, node("a:1", 0, node("b:1", 300), hidden=(3, 9)))
    assert places(tree) == ["a:1", "b:1"]


def test_every_byte_belongs_to_the_innermost_line_of_the_program() -> None:
    library = "/usr/lib/python3.11/site-packages/library.py"
    tree = node(
        "",
        0,
        node(
            "/home/work.py:1",
            1,
            node(f"{library}:5", 20, node("/home/work.py:9", 300), hidden=(1, 4)),
            node("/home/work.py:2", 0, node(f"{library}:5", 5_000)),
        ),
        node(f"{library}:7", 70_000),
    )
    found = {row["line"]: row["bytes"] for row in program_lines(tree)}
    assert found == {1: 25, 9: 300, 2: 5_000}

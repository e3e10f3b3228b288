"""The call tree as the terminal shows it; the trees here are small enough to know the answer."""

from __future__ import annotations

from typing import Any

from heapscope.cli.call_tree import program_lines
from heapscope.cli.tree import fold_libraries, lay_out


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
        "owner": "library" if "site-packages" in file else "program",
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


def test_a_tree_deeper_than_the_interpreters_stack_is_shown() -> None:
    deep = node("work.py:1", 100)
    for _ in range(5_000):
        deep = node("work.py:1", 0, deep)
    assert places(node("", 0, deep)) == ["work.py:1"] * 5_001
    (row,) = program_lines(node("", 0, deep))
    assert (row["file"], row["line"], row["bytes"]) == ("work.py", 1, 100)


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


def test_a_line_of_the_program_names_what_it_called_that_led_to_most() -> None:
    json, pool = (f"/usr/lib/python3.11/site-packages/{name}.py" for name in ("json", "pool"))
    tree = node(
        "",
        0,
        node(
            "/home/work.py:1",
            1,
            node(f"{json}:5", 20, node(f"{pool}:3", 500)),
            node(f"{pool}:9", 400, node("/home/work.py:2", 7_000)),
        ),
        node("/home/work.py:1", 0, node(f"{pool}:9", 50)),
    )
    callees = {row["line"]: row["callee"] for row in program_lines(tree)}
    assert callees == {1: {"function": "f", "file": json, "bytes": 520}, 2: None}


def test_a_long_way_through_a_library_is_cut_short_but_for_what_is_its_own() -> None:
    library = "/usr/lib/python3.11/site-packages/pandas"

    def way(first: int, last: int, below: dict[str, Any], own: int = 0) -> dict[str, Any]:
        for line in range(last, first - 1, -1):
            below = node(f"{library}/core.py:{line}", own if line == first else 0, below)
        return below

    leaves = node(f"{library}/end.py:1", 300), node("work.py:7", 200)
    tree = node("", 0, node("work.py:1", 0, way(10, 19, node(f"{library}/a.py:1", 0, *leaves))))
    shown = [
        line.guide + (line.text if line.node is None else line.node["file"].rsplit("/")[-1])
        for line in fold_libraries(list(lay_out(tree, 10)), 10)
    ]
    assert shown == [
        "work.py", "core.py", "  9 calls inside pandas", "a.py", "├ end.py", "└ work.py",
    ]  # fmt: skip
    with_own = node("", 0, way(10, 13, way(20, 23, node("work.py:2", 100), own=50)))
    lines = list(lay_out(with_own, 10))
    assert [line.text for line in fold_libraries(lines, 10) if line.node is None] == [
        "  3 calls inside pandas"
    ]
    few = list(lay_out(node("", 0, way(10, 13, node("work.py:2", 100))), 10))
    assert list(fold_libraries(few, 10)) == few

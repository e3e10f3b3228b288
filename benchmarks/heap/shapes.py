"""The heaps that are walked: rows of a table, and a graph of nodes, in order or shuffled.

Every Python object counts, also those that the garbage collector does not track: strings and
numbers, which are most of a heap.
"""

from __future__ import annotations

import random
from collections.abc import Callable


class Rec:
    """A row of a table: 13 objects, of nine types."""

    def __init__(self, number: int, parent: Rec | None) -> None:
        self.id = number * 7 + 1000
        self.name = f"name-{number}"
        self.price = number * 0.5
        self.tags = ["shared", f"tag{number}", f"t2-{number * 3}"]
        self.meta = {"kind": f"k{number}", "n": number * 11 + 5000, "ok": True, "none": None}
        self.pos = (number * 1.5, number * 2.5)
        self.parent = parent


class Node:
    """A node with a name and a number of its own: three objects."""

    def __init__(self, number: int) -> None:
        self.name = f"node {number}"
        self.number = number + 1000


def records(objects: int, shuffled: bool) -> list[Rec]:
    """A list of `Rec`, each with a parent; shuffled, half of them were freed and made again."""
    rows: list[Rec] = []
    parent: Rec | None = None
    count = objects // 13
    for number in range(count):
        row = Rec(number, parent)
        rows.append(row)
        if number % 16 == 0:
            parent = row
    if shuffled:
        order = random.Random(1)
        order.shuffle(rows)
        del rows[count // 2 :]
        kept = len(rows)
        for number in range(count - kept):
            rows.append(Rec(number, rows[order.randrange(kept)]))
        order.shuffle(rows)
    return rows


def nodes(objects: int, shuffled: bool) -> dict[str, list[Node]]:
    """A dict of lists of ten nodes, 32 objects an entry."""
    entries = objects // 32
    made = [Node(number) for number in range(entries * 10)]
    if shuffled:
        order = random.Random(1)
        order.shuffle(made)
        del made[entries * 5 :]
        made += [Node(number) for number in range(entries * 10 - len(made))]
        order.shuffle(made)
    return {f"entry {number}": made[number * 10 : number * 10 + 10] for number in range(entries)}


SHAPES: dict[str, Callable[[int, bool], object]] = {"records": records, "nodes": nodes}

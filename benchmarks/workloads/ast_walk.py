"""One large module parsed and its syntax tree walked breadth first, nodes counted by type."""

from __future__ import annotations

import argparse
import ast
import inspect
from collections import Counter

import measure

ROUNDS = 18


def setup() -> None:
    ast.parse("a = 1")


def work(rounds: int) -> None:
    source = inspect.getsource(argparse)
    for _ in range(rounds):
        tree = ast.parse(source)
        kinds = Counter(type(node).__name__ for node in ast.walk(tree))
        assert kinds["FunctionDef"] > 100


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

"""Files of the standard library parsed to syntax trees and written back: about 240,000 stacks."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import measure

ROUNDS = 60  # files


def sources(count: int) -> list[str]:
    library = Path(sysconfig.get_path("stdlib"))
    found = []
    for path in sorted(library.glob("*.py")):
        try:
            found.append(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
        if len(found) == count:
            break
    return found


def setup() -> None:
    ast.unparse(ast.parse("a = 1"))


def work(rounds: int) -> None:
    for source in sources(rounds):
        assert ast.unparse(ast.parse(source))


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

"""Pygments highlights the source of argparse as HTML: regular expressions, generators, strings."""

from __future__ import annotations

import argparse
import inspect

import measure

ROUNDS = 4


def highlighted(source: str) -> str:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return str(highlight(source, PythonLexer(), HtmlFormatter()))


def setup() -> None:
    highlighted("def f(x): return x + 1\n")


def work(rounds: int) -> None:
    source = inspect.getsource(argparse)
    for _ in range(rounds):
        assert len(highlighted(source)) > len(source)


if __name__ == "__main__":
    measure.run(setup, work, ROUNDS)

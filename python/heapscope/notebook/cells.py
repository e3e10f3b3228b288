"""Code of a session: compiled as the session compiles it, run, and profiled by line."""

from __future__ import annotations

import ast
import linecache
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cell:
    """Statements, compiled under a name of their own by which their source is found.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        The session.
    source : str
        As typed; magics and ``!commands`` are the session's.
    shows : bool
        Whether the value of a last expression is displayed, as a cell's is.
    """

    def __init__(self, shell: Any, source: str, *, shows: bool) -> None:
        self._namespace: dict[str, Any] = shell.user_ns
        text = shell.transform_cell(source)
        name = shell.compile.cache(text, shell.execution_count, raw_code=source)
        tree = shell.compile.ast_parse(text, name)
        self._last: CodeType | None = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not text.rstrip().endswith(";"):
            value = ast.Expression(tree.body.pop().value)
            self._last = shell.compile(value, name, "eval")
        self._body: CodeType = shell.compile(tree, name, "exec")
        self._display = shell.displayhook if shows else None

    def run(self) -> None:
        """Run it in the session's namespace."""
        exec(self._body, self._namespace)  # noqa: S102 - it is what the user typed
        if self._last is not None:
            value = eval(self._last, self._namespace)  # noqa: S307
            if self._display is not None:
                self._display(value)

    def run_profiled(self, codes: list[CodeType]) -> None:
        """The same, with the lines of some code counted."""
        from heapscope import _tracker

        for code in codes:
            _tracker.profile_code(code)
            _tracker.forget_line_profile(code)
        run = self.run
        opener = run.__func__.__code__  # type: ignore[attr-defined]
        try:
            _tracker.profiled(run, opener, None)()
        finally:
            _tracker.forget_line_profile(opener)

    def codes(self, name: str | None = None) -> list[CodeType]:
        """Return the code that the cell defines under a name; without one, all of it."""
        parts = [part for part in (self._body, self._last) if part is not None]
        found = [code for part in parts for code in _within(part)]
        if name is None:
            return found
        return [code for code in found if name in (code.co_name, _qualified(code))]


def codes_of(name: str, namespace: dict[str, Any]) -> list[CodeType]:
    """Return the code of a function, a method, or of all methods of a class; none if it has none.

    `name` is an expression: ``f``, ``module.f``, ``Class.method``.
    """
    from heapscope.profiling import code_of

    try:
        value = eval(name, namespace)  # noqa: S307 - it is what the user typed
    except Exception:
        return []
    members = list(vars(value).values()) if isinstance(value, type) else [value]
    found = [
        code_of(member) for member in members if callable(member) or hasattr(member, "__func__")
    ]
    return [code for code in found if code is not None]


def profiles(codes: list[CodeType]) -> list[dict[str, Any]]:
    """Return the line profiles of code that ran, and forget them."""
    from heapscope import _tracker

    functions: list[dict[str, Any]] = []
    for code in codes:
        functions += _tracker.line_profile(code)
        _tracker.forget_line_profile(code)
    return functions


def tables(functions: list[dict[str, Any]]) -> str:
    """Write line profiles as text; where nothing of them ran, say so."""
    from heapscope.lines.table import write_tables

    text: list[str] = []
    write_tables([each for each in functions if each["lines"]], text.append)
    return "".join(text) or "none of these functions ran\n"


def sources() -> dict[str, str]:
    """Return the text of the cells that no file holds, by the names their code has."""
    return {
        name: "".join(entry[2])
        for name, entry in list(linecache.cache.items())
        if len(entry) == 4 and entry[1] is None and not Path(name).exists()
    }


def _within(code: CodeType) -> Iterator[CodeType]:
    """Yield code and that of the functions in it, but not of comprehensions and class bodies."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _within(constant)


def _qualified(code: CodeType) -> str:
    return getattr(code, "co_qualname", code.co_name)

"""Which functions a line profile shows, and its JSON."""

from __future__ import annotations

from heapscope.lines.program import split_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from heapscope.lines.source import Block

    Function = dict[str, Any]

_FIGURES = (
    "occurrences",
    "mem_usage_bytes",
    "increment_bytes",
    "peak_bytes",
    "allocated_bytes",
    "freed_bytes",
    "allocations",
)
_INSIDE = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def is_inside(function: Mapping[str, Any]) -> bool:
    """Whether a function is a comprehension: what it moved is the line's that holds it, too."""
    return str(function["function"]).rpartition(".")[2] in _INSIDE


def is_named(function: Mapping[str, Any], wanted: str) -> bool:
    """Whether a function is meant by ``NAME``, ``CLASS.NAME``, ``MODULE:NAME`` or ``FILE.py:NAME``.

    Any parts of a qualified name do, next to each other: a class's name means its methods, too, a
    function's those that are defined in it. CPython 3.10 knows plain names only: there the last
    part alone is compared.
    """
    module, name = split_name(wanted)
    if module and not is_in(function["file"], module):
        return False
    own = str(function["function"])
    if f".{name}." in f".{own}.":
        return True
    return "." not in own and "." in name and name.rpartition(".")[2] == own


def is_in(file: str, module: str) -> bool:
    """Whether a file looks like a module's, a package's, or is the file that is named.

    Examples
    --------
    >>> is_in("/site-packages/numpy/linalg/linalg.py", "numpy.linalg"), is_in("/a/np.py", "numpy")
    (True, False)
    """
    if module.endswith(".py") or "/" in module:
        return file == module or file.endswith("/" + module.lstrip("./"))
    path = "/" + module.replace(".", "/")
    beside = "/" + file.lstrip("/")
    return beside.endswith((path + ".py", path + "/__main__.py")) or path + "/" in beside


def choose(
    functions: Sequence[Function], names: Iterable[str], modules: Iterable[str]
) -> list[Function]:
    """Return the functions that are of any of the modules or have any of the names."""
    names, modules = list(names), list(modules)
    return [
        function
        for function in functions
        if any(is_named(function, name) for name in names)
        or any(is_in(function["file"], module) for module in modules)
    ]


def from_allocations(functions: Iterable[Function]) -> list[Function]:
    """Give functions of ``Capture.function_lines()`` the keys of a profile; unknown is None."""
    return [
        {
            "function": function["function"],
            "file": function["file"],
            "first_line": function["first_line"],
            "calls": None,
            "net_bytes": function["net_bytes"],
            "peak_bytes": function["peak_bytes"],
            "per_call": None,
            "net_per_call": None,
            "lines": [
                {"occurrences": None, "mem_usage_bytes": None, **row} for row in function["lines"]
            ],
        }
        for function in functions
    ]


def make_document(
    functions: Sequence[Function], mode: str, block: Callable[[Function], Block]
) -> dict[str, Any]:
    """Make the JSON of the verb ``lines``.

    Parameters
    ----------
    functions : sequence of dict
        What to show.
    mode : {"lines", "allocations"}
        Whether figures were taken before and after each line, or come from allocations.
    block : callable
        Returns the source of a function.
    """
    return {
        "schema": "heapscope/lines/1",
        "mode": mode,
        "functions": [_function(function, block(function)) for function in functions],
    }


def _function(function: Function, source: Block) -> dict[str, Any]:
    texts = {} if source.remark else dict(source.rows)
    lines = [
        {
            "line": row["line"],
            "source": texts.get(row["line"]),
            **{key: row.get(key) for key in _FIGURES},
        }
        for row in function["lines"]
    ]
    keys = ("function", "file", "first_line", "calls", "net_bytes", "peak_bytes")
    document = {key: function.get(key) for key in keys}
    document["per_call"] = function.get("per_call")
    document["net_per_call"] = function.get("net_per_call")
    return {**document, "lines": lines}

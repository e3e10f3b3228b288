"""Line profiles as text: the table that memory_profiler prints, and what it could not tell.

The first table is that one to the character. Below it are, of the lines where there is anything to
tell, the peak while the line ran, and what was allocated and freed: rows that no parser of the
first table takes for its own, because they begin with a size. The last line sums the calls up.
"""

from __future__ import annotations

import sys

from heapscope.cli import units
from heapscope.lines.source import Block, block_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Function = Mapping[str, Any]

_ROW = "{0:>6} {1:>12} {2:>12}  {3:>10}   {4:<}"
_HEADER = _ROW.format("Line #", "Mem usage", "Increment", "Occurrences", "Line Contents")
_MORE = "{0:>11} {1:>11} {2:>11} {3:>11} {4:>6}   {5:<}"
_MORE_HEADER = _MORE.format("Peak", "Allocated", "Freed", "Allocations", "Line", "Line Contents")
_MIB = float(1 << 20)
_LEAST_TOLD = 1024  # bytes; smaller lines have no row in the second table
_FOLDED = 3  # blank rows of a module's body beyond which they are one


def write_tables(
    functions: Sequence[Function],
    write: Callable[[str], object],
    *,
    precision: int = 1,
    block: Callable[[Function], Block] = block_of,
    directory: str | None = None,
) -> None:
    """Write the tables of functions, each line by a call of `write` of its own.

    Parameters
    ----------
    functions : sequence of mapping
        Entries of a line profile.
    write : callable
        Takes text that ends with a line end.
    precision : int
        Digits behind the point of MiB.
    block : callable
        Returns the source of an entry.
    directory : str, optional
        Files below it are named from there.
    """
    inside = "" if directory is None else directory.rstrip("/") + "/"
    for function in functions:
        write(f"Filename: {visible(function['file'].removeprefix(inside))}\n\n")
        _write_function(function, write, max(int(precision), 0), block(function))


def _write_function(
    function: Function, write: Callable[[str], object], precision: int, source: Block
) -> None:
    figures = {row["line"]: row for row in function["lines"]}
    write(_HEADER + "\n")
    write("=" * len(_HEADER) + "\n")
    if None in figures:  # code of no line
        write(_line(None, figures[None], "", precision))
    for number, text in _folded(function, source.rows, figures):
        write(_line(number, figures.get(number), text, precision))
    write("\n")
    _write_more(function, write, dict(source.rows))
    if source.remark:
        write(f"({source.remark})\n")
    write(summary(function) + "\n")
    write("\n")


def _line(number: int | None, row: Mapping[str, Any] | None, text: str, precision: int) -> str:
    where = "" if number is None else str(number)
    if row is None:
        return _ROW.format(where, "", "", "", visible(text)) + "\n"
    return (
        _ROW.format(
            where,
            _mib(row["mem_usage_bytes"], precision),
            _mib(row["increment_bytes"], precision),
            "" if row["occurrences"] is None else row["occurrences"],
            visible(text),
        )
        + "\n"
    )


def _folded(
    function: Function, rows: list[tuple[int, str]], figures: Mapping[int, object]
) -> list[tuple[int, str]]:
    """Leave out, of a module's body, what is not its own: the insides of functions."""
    if function["function"] != "<module>":
        return rows
    kept: list[tuple[int, str]] = []
    blank: list[tuple[int, str]] = []
    for row in rows:
        if row[0] in figures:
            kept += blank if len(blank) <= _FOLDED else [blank[0], (blank[1][0], "…")]
            blank = []
            kept.append(row)
        else:
            blank.append(row)
    return kept


def _write_more(
    function: Function, write: Callable[[str], object], texts: Mapping[int, str]
) -> None:
    told = [
        row
        for row in function["lines"]
        if max(row["peak_bytes"] or 0, row["allocated_bytes"] or 0, row["freed_bytes"] or 0)
        >= _LEAST_TOLD
    ]
    if not told:
        return
    write(_MORE_HEADER + "\n")
    for row in told:
        write(
            _MORE.format(
                _size(row["peak_bytes"]),
                _size(row["allocated_bytes"]),
                _size(row["freed_bytes"]),
                row["allocations"],
                "" if row["line"] is None else row["line"],
                visible(texts.get(row["line"], "").strip()),
            )
            + "\n"
        )
    write("\n")


def summary(function: Function) -> str:
    """Return the calls of a function in a line: how many, net and peak, and of a single one."""
    name = visible(function["function"])
    calls = function.get("calls")
    told = f"net {_size(function['net_bytes'])}, peak {_size(function['peak_bytes'])}"
    if calls is None:
        return f"{name}: {told}"
    line = f"{name}: {calls:,} call{'' if calls == 1 else 's'}, {told}"
    each = function.get("per_call")
    if calls > 1 and each and each["min"] is not None:
        about = "" if each.get("median_exact", True) else "about "
        range_ = (
            f"{_size(each['min'])} to {_size(each['max'])}, median {about}{_size(each['median'])}"
        )
        line += f"; peak of a call {range_}"
    return line


def _size(count: float | None) -> str:
    return "" if count is None else units.size(round(count))


def _mib(count: float | None, precision: int) -> str:
    if count is None:
        return ""
    text = f"{count / _MIB:{precision + 4}.{precision}f}"
    if count < 0 and not text.strip(" -0."):  # no -0.0
        text = f"{0.0:{precision + 4}.{precision}f}"
    return text + " MiB"


def visible(text: str) -> str:
    """Write what would make a terminal do something as an escape; tabs stay tabs."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter == "\t" else ascii(letter)[1:-1] for letter in text
    )


def writer_to(stream: Any) -> Callable[[str], object]:
    """Return what writes text to a stream, whatever its encoding.

    What the encoding cannot hold is written as escapes. A stream that cannot be written to is said
    once, on stderr, and then left alone: a table is never a reason for a program to fail.
    """
    broken = False

    def write(text: str) -> None:
        nonlocal broken
        if broken:
            return
        try:
            try:
                stream.write(text)
            except UnicodeEncodeError:
                encoding = getattr(stream, "encoding", None) or "ascii"
                stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except (OSError, ValueError, AttributeError) as error:
            broken = True
            _complain(error)

    return write


def _complain(error: BaseException) -> None:
    reason = getattr(error, "strerror", None) or str(error)
    try:
        sys.stderr.write(f"heapscope: the line profile cannot be written: {reason}\n")
    except (OSError, ValueError, AttributeError):
        return

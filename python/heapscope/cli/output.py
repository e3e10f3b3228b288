"""Writing results: one JSON document, or figures beside labels in the terminal's width.

A figure is never cut: the figures' columns get what they need and labels are fitted to the rest.
Rich is imported when something is printed, not before.
"""

from __future__ import annotations

import json
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from rich.console import Console
    from rich.text import Text

_GAP = 2
_LEAST_LABEL = 12


def prepare_stdout() -> None:
    """Make stdout take any text: file names may hold what its encoding cannot."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def write_json(document: dict[str, Any]) -> None:
    """Write one document on stdout, nested as deeply as it likes."""
    for piece in _pieces(document):
        sys.stdout.write(piece)
    sys.stdout.write("\n")


def _pieces(document: object) -> Iterator[str]:
    """Yield JSON text without recursion: a call tree may be deeper than the interpreter's stack."""
    pending: list[object] = [_Document(document)]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
            continue
        assert isinstance(item, _Document)
        value = item.value
        if isinstance(value, dict) and value:
            pending.append("}")
            for index, (key, member) in reversed(list(enumerate(value.items()))):
                separator = ", " if index else "{"
                pending += [_Document(member), f"{separator}{json.dumps(key)}: "]
        elif isinstance(value, (list, tuple)) and value:
            pending.append("]")
            for index, member in reversed(list(enumerate(value))):
                separator = ",\n " if isinstance(member, dict) else ", "
                pending += [_Document(member), separator if index else "["]
        else:
            yield json.dumps(value)


class _Document:
    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


def make_console(no_color: bool) -> Console:
    """Return a console on stdout; colours and width are those of the terminal, 80 without one."""
    from rich.console import Console

    return Console(no_color=no_color or None, highlight=False, emoji=False, markup=False)


def print_rows(
    console: Console,
    headers: Sequence[str],
    rows: Sequence[tuple[Sequence[str], Callable[[int], Text]]],
) -> None:
    """Print figures, right-aligned, and a label for each row.

    Parameters
    ----------
    console : rich.console.Console
        Where to.
    headers : sequence of str
        One for each column of figures, then the label's.
    rows : sequence of (figures, label)
        The figures as text; the label, of one or more lines, made for the width it is given.
    """
    from rich.table import Table

    columns = len(headers) - 1
    widths = [
        max([len(headers[column]), *(len(figures[column]) for figures, _ in rows)])
        for column in range(columns)
    ]
    label = max(console.width - sum(widths) - _GAP * columns, _LEAST_LABEL)
    table = Table(
        box=None,
        padding=(0, _GAP, 0, 0),
        pad_edge=False,
        width=sum(widths) + _GAP * columns + label,
        header_style="dim",
    )
    for header, width in zip(headers, widths, strict=False):
        table.add_column(header, justify="right", no_wrap=True, width=width)
    table.add_column(headers[-1], no_wrap=True, width=label)
    for figures, make in rows:
        table.add_row(*figures, make(label))
    print_as_is(console, table)


def print_as_is(console: Console, what: object) -> None:
    """Print without wrapping or cropping, and without blanks at the ends of lines."""
    with console.capture() as captured:
        console.print(what, crop=False, overflow="ignore", no_wrap=True)
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")

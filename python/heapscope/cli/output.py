"""Writing results: one JSON document, or figures beside labels in the terminal's width.

A figure is never cut: the figures' columns get what they need and labels are fitted to the rest.
Rich is imported when something is printed, not before.
"""

from __future__ import annotations

import codecs
import json
import os
import shlex
import sys

from heapscope.cli.fitting import fit_end, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from rich.console import Console
    from rich.text import Text

_GAP = 2
_LEAST_LABEL = 12


def prepare_stdout() -> None:
    """Make stdout take any text: file names may hold what its encoding cannot.

    Where the locale is C, whatever Python makes of that, output is ASCII; of our own letters each
    has one that stands for it there.
    """
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is None:
        return
    codecs.register_error("heapscope", _plain)
    if _wants_ascii():
        reconfigure(encoding="ascii", errors="heapscope")
    else:
        reconfigure(errors="heapscope")


_ASCII = str.maketrans("…├└│─━→−×█▌·", "~|`|-->-x#=-")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding lacks: our own letters by their likes, others as escapes."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(_ASCII)
    return text.encode("ascii", "backslashreplace").decode(), error.end


def _wants_ascii() -> bool:
    """Whether somebody chose the C locale; Python takes that, too, for a wish for UTF-8."""
    if os.environ.get("PYTHONIOENCODING"):
        return False
    plain = ("C", "POSIX")
    every = os.environ.get("LC_ALL")
    if every:
        return every in plain
    # Python itself sets LC_CTYPE to C.UTF-8 when it finds LANG=C.
    return os.environ.get("LANG") in plain and os.environ.get("LC_CTYPE", "C.UTF-8") in (
        *plain,
        "C.UTF-8",
    )


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


def hint(console: Console, quiet: bool, path: str, *nexts: tuple[str, str]) -> None:
    """Name what to do next, as last lines, to somebody who sits at the terminal.

    Parameters
    ----------
    console : rich.console.Console
        Where the result was printed.
    quiet : bool
        Say nothing.
    path : str
        The capture; it takes the place of ``{}`` in a command.
    *nexts : (command, what it tells)
        Without ``heapscope``: ``("tree {}", "who called these lines")``.
    """
    from rich.text import Text

    if quiet or not console.is_terminal:
        return
    quoted = printable(shlex.quote(path))
    commands = [f"heapscope {command.format(quoted)}" for command, _ in nexts]
    width = max(map(len, commands))
    room = console.width - 6 - width - 3
    console.print()
    for index, (command, (_, tells)) in enumerate(zip(commands, nexts, strict=True)):
        line = Text("      " if index else "next: ", style="dim")
        line.append(command.ljust(width) if room > 12 else command, style="none")
        if room > 12:
            line.append("   " + fit_end(tells, room))
        console.print(line, soft_wrap=True)

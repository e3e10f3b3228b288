"""Heapy's tables, to the character: the partition of a set by kind, and a set object by object.

The layout is guppy3's (3.1.7), which people paste and scripts parse: ten rows at a time, figures in
columns that grow with them, a kind that does not fit in 100 columns continued below itself.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    class Table(Protocol):
        """What can be printed: a title, a header, and rows that are made when they are asked for.

        Attributes
        ----------
        length : int
            How many rows there are.
        """

        length: int

        def title(self) -> str: ...
        def header(self) -> str: ...
        def lines(self, first: int, last: int) -> Iterator[str]: ...


__all__ = ["IdentityTable", "More", "PartitionTable", "write"]

WIDTH = 100
MOST_ROWS = 10
_FIGURES = " Index  Count   %     Size   % Cumulative  % "
_IDENTITY_FIGURES = " Index     Size   %   Cumulative  %   "


class PartitionTable:
    """The rows of a partition, the largest first.

    Parameters
    ----------
    rows : list of (count, size, kind)
        Objects, bytes, and what the kind is called; lines of a kind may be split by line feeds.
    header : str
        What the kinds are: ``Kind (class / dict of class)``.
    """

    def __init__(self, rows: list[tuple[int, int, str]], header: str) -> None:
        self._rows = rows
        self._header = header
        self._count = sum(count for count, _, _ in rows)
        self._size = sum(size for _, size, _ in rows)
        self.length = len(rows)

    def title(self) -> str:
        """Return the line above the table."""
        plural = "" if self._count == 1 else "s"
        return (
            f"Partition of a set of {self._count} object{plural}. Total size = {self._size} bytes."
        )

    def header(self) -> str:
        """Return the names of the columns."""
        return _fill(_FIGURES, self._header)

    def lines(self, first: int, last: int) -> Iterator[str]:
        """Yield rows `first` to before `last`; one that is long has more than one line."""
        cumulative = sum(size for _, size, _ in self._rows[:first])
        for index in range(first, min(last, self.length)):
            count, size, kind = self._rows[index]
            cumulative += size
            figures = (
                f"{index:6d} {count:6d} {_percent(count, self._count):3d} "
                f"{size:8d} {_percent(size, self._size):3d} "
                f"{cumulative:9d} {_percent(cumulative, self._size):3d} "
            )
            yield _fill(figures, kind)


class IdentityTable:
    """A set, object by object.

    Parameters
    ----------
    kind : str
        The kind of all, or ``mixed``.
    count, size : int
        How many there are, and their bytes.
    header : str
        What the rows are named by: ``Address``.
    read : callable
        Returns (bytes, name) of the objects `first` to before `last`, the largest first.
    """

    def __init__(
        self,
        kind: str,
        count: int,
        size: int,
        header: str,
        read: Callable[[int, int], list[tuple[int, str]]],
    ) -> None:
        self._kind = kind
        self._size = size
        self._header = header
        self._read = read
        self.length = count

    def title(self) -> str:
        """Return the line above the table."""
        plural = "" if self.length == 1 else "s"
        return (
            f"Set of {self.length} <{self._kind}> object{plural}. Total size = {self._size} bytes."
        )

    def header(self) -> str:
        """Return the names of the columns."""
        return _fill(_IDENTITY_FIGURES, self._header)

    def lines(self, first: int, last: int) -> Iterator[str]:
        """Yield rows `first` to before `last`."""
        before = sum(size for size, _ in self._read(0, first)) if first else 0
        for index, (size, name) in enumerate(self._read(first, last), first):
            before += size
            figures = (
                f"{index:6d} {size:8d} {_share(size, self._size):5.1f} "
                f"{before:9d} {_share(before, self._size):5.1f} "
            )
            yield _fill(figures, name)


def write(
    table: Table, first: int = 0, most: int | None = MOST_ROWS, *, titled: bool = True
) -> str:
    """Write rows of a table from `first` on, at most so many, and how many follow.

    A single row that would follow is written instead of being told of.
    """
    lines = [table.title()] if titled else []
    last = table.length
    if most is not None and last - first > most + 1:
        last = first + most
    if first < table.length:
        lines.append(table.header())
        lines.extend(table.lines(first, last))
    if last < table.length:
        lines.append(f"<{table.length - last} more rows. Type e.g. '_.more' to view.>")
    return "\n".join(lines).rstrip()


class More:
    """The next rows of a table; everything else is asked of what the table shows.

    Attributes
    ----------
    more : More
        The rows after these.
    all : More
        All rows, with the table's title.
    top : object
        What the table shows.
    prev : object
        The rows before these.
    """

    def __init__(
        self, table: Table, shown: Any, first: int, most: int | None = MOST_ROWS, before: Any = None
    ) -> None:
        self._table = table
        self._first = min(first, table.length)
        self._most = most
        self.top = shown
        self.prev = shown if before is None else before

    def __repr__(self) -> str:
        return write(self._table, self._first, self._most, titled=self._most is None)

    @property
    def more(self) -> More:
        """The rows after these."""
        return More(self._table, self.top, self._next(), before=self)

    @property
    def all(self) -> More:
        """All rows."""
        return More(self._table, self.top, 0, None)

    def _next(self) -> int:
        left = self._table.length - self._first
        if self._most is None or left <= self._most + 1:
            return self._table.length
        return self._first + self._most

    def __getattr__(self, name: str) -> Any:
        return getattr(self.top, name)

    def __getitem__(self, index: int | slice) -> Any:
        return self.top[index]

    def __len__(self) -> int:
        return len(self.top)


def _percent(part: int, whole: int) -> int:
    return int(f"{_share(part, whole):.0f}")


def _share(part: int, whole: int) -> float:
    return part * 100.0 / whole if whole else 0.0


def _fill(figures: str, name: str) -> str:
    if len(figures) + len(name) <= WIDTH and "\n" not in name:
        return (figures + name).rstrip()
    import textwrap  # loads module re: only where a line is really long

    indent = " " * len(figures)
    first, *others = name.split("\n")
    lines = textwrap.wrap(figures + first, WIDTH, subsequent_indent=indent)
    for other in others:
        lines += textwrap.wrap(other, WIDTH, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(lines)

"""``heapscope query``: SQL over captures and heap snapshots. DuckDB answers, in a closed room."""

from __future__ import annotations

import contextlib
import csv
import json
import math
import sys
from typing import Any

from heapscope.cli import output, progress, reading, snapshots, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.fitting import fit, printable, width_of
from heapscope.cli.main import say
from heapscope.cli.options import Parser, positive
from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heapscope import _analysis

    Row = tuple[Any, ...]

_ROWS = 40
_LEAST_TEXT = 8
_GAP = 2
_AT_ONCE = 10_000
_EXAMPLE = """\
  heapscope query work.hscope "select function, sum(peak_bytes) from sites group by all order by 2"
  heapscope query run*.hscope "select capture, max(rss_bytes) from ticks group by all" --csv
  heapscope query work.hsnap "select type, retained_bytes from types order by 2 desc limit 5"

tables of a capture: sites, frames, ticks, threads; of a heap snapshot: objects, edges, types,
roots. `describe sites` lists columns, and docs/query.md explains"""

# Set before any SQL of the user's is read, and locked with the rest.
_CLOSED = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",  # nothing is spilled onto the disk
}


def run(arguments: list[str]) -> int:
    """Print the result; `arguments` are those after the verb."""
    options = _parser().parse_intermixed_args(arguments)
    of_heap = [snapshots.is_snapshot(path) for path in options.capture]
    if any(of_heap) and not all(of_heap):
        raise CommandError("captures and heap snapshots have other tables; ask them one by one")
    captures: list[_analysis.Capture] = []
    try:
        if any(of_heap):
            graphs = [snapshots.open_snapshot(path) for path in options.capture]
            with progress.working("making tables", quiet=options.quiet):
                database = _heap_database(graphs, options.capture, options.allow_files)
        else:
            captures = [reading.open_capture(path) for path in options.capture]
            with progress.working("making tables", quiet=options.quiet):
                database = _database(captures, options.allow_files, options.quiet)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None
    with contextlib.closing(database):
        names, types, pieces = _answer(database, options.sql)
        output.prepare_stdout()
        with _errors_in_one_line():
            if options.json:
                _write_json(options.capture, names, types, pieces)
            elif options.csv:
                _write_csv(names, pieces)
            else:
                _print(names, types, pieces, options.limit, options.no_color)
    remarks = [
        reading.remark(capture, path, options.quiet)
        for capture, path in zip(captures, options.capture, strict=False)
    ]
    return max(remarks, default=0)


def _parser() -> Parser:
    parser = Parser("query", "Asks captures or heap snapshots in SQL.", _EXAMPLE, captures="+")
    parser.add_argument("sql", metavar="SQL", help="a question to the tables, in DuckDB's SQL")
    parser.add_argument("--csv", action="store_true", help="comma-separated values on stdout")
    parser.add_argument(
        "--limit",
        type=positive,
        default=_ROWS,
        metavar="N",
        help=f"at most N rows in the terminal (default: {_ROWS}; --json and --csv: all)",
    )
    parser.add_argument(
        "--allow-files",
        action="store_true",
        help="let the SQL read and write files; without it, it can reach none",
    )
    return parser


def _database(captures: Sequence[_analysis.Capture], allow_files: bool, quiet: bool) -> Any:
    """Return a connection to a database in memory that holds the tables and is shut off."""
    from heapscope.tables import CUT, tables

    made = tables(captures)
    cut = (made["sites"].schema.metadata or {}).get(CUT.encode())
    if cut is not None and not quiet:
        say(
            f"stacks are cut to their innermost {int(cut)} frames; stack_depth is that of the whole"
        )
    return _filled(made, allow_files)


def _heap_database(
    graphs: Sequence[_analysis.HeapGraph], paths: Sequence[str], allow_files: bool
) -> Any:
    from heapscope.heap_tables import heap_tables

    return _filled(heap_tables(graphs, paths), allow_files)


def _filled(made: dict[str, Any], allow_files: bool) -> Any:
    from heapscope.tables import import_extra

    database = import_extra("duckdb", "query").connect(":memory:", config=_CLOSED)
    for name, table in made.items():
        database.register(f"arrow_{name}", table)
        database.execute(f"create table {name} as select * from arrow_{name}")  # noqa: S608
        database.unregister(f"arrow_{name}")
    if not allow_files:
        database.execute("set enable_external_access = false")
        database.execute("set lock_configuration = true")
    return database


@contextlib.contextmanager
def _errors_in_one_line() -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise CommandError(_one_line(str(error))) from None


def _one_line(message: str) -> str:
    """Take of DuckDB's words what is wrong and what it proposes, but not its picture of the SQL."""
    lines = [line.strip() for line in message.splitlines()]
    hints = [line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))]
    first = lines[0] if lines else "the SQL failed"
    if "disabled by configuration" in first:
        hints.append("(--allow-files lets SQL reach files)")
    return " ".join([first, *hints])


def _answer(database: Any, sql: str) -> tuple[list[str], list[str], Iterator[list[Row]]]:
    """Run the SQL; return columns, types, and the rows in pieces."""
    with _errors_in_one_line():
        if not database.extract_statements(sql):
            raise CommandError("the SQL is empty; `heapscope query --help` shows an example")
        database.execute(sql)
    columns = database.description or []
    names: list[str] = []
    for name, *_ in columns:
        unique, number = name, 1
        while unique in names:
            number += 1
            unique = f"{name}_{number}"
        names.append(unique)

    def pieces() -> Iterator[list[Row]]:
        while columns and (rows := database.fetchmany(_AT_ONCE)):
            yield rows

    return names, [str(kind) for _, kind, *_ in columns], pieces()


def _write_json(
    captures: list[str], names: list[str], types: list[str], pieces: Iterator[list[Row]]
) -> None:
    rows = [dict(zip(names, map(_plain, row), strict=True)) for piece in pieces for row in piece]
    columns = [{"name": name, "type": kind} for name, kind in zip(names, types, strict=True)]
    output.write_json(
        {"schema": "heapscope/query/1", "captures": captures, "columns": columns, "rows": rows}
    )


def _write_csv(names: list[str], pieces: Iterator[list[Row]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for piece in pieces:
        for row in piece:
            writer.writerow([_cell(value, exact=True) for value in row])


def _plain(value: object) -> object:
    """Turn a value of DuckDB's into one of JSON."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if type(value).__name__ == "Decimal":
        return float(str(value))
    return str(value)


def _cell(value: object, *, exact: bool = False) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, str):
        return plain
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if exact:
        return json.dumps(plain, ensure_ascii=False)
    if isinstance(plain, int):
        return units.count(plain)
    if isinstance(plain, float):
        return f"{plain:,.6g}"
    return json.dumps(plain, ensure_ascii=False)


def _is_number(kind: str) -> bool:
    name = kind.upper()
    return not name.endswith("]") and name.startswith(
        ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
         "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "NUMBER")
    )  # fmt: skip


def _print(
    names: list[str], types: list[str], pieces: Iterator[list[Row]], limit: int, no_color: bool
) -> None:
    from rich.text import Text

    rows: list[Row] = []
    for piece in pieces:
        rows += piece[: limit + 1 - len(rows)]
        if len(rows) > limit:
            break
    console = output.make_console(no_color)
    shown = [[printable(_cell(value)) for value in row] for row in rows[:limit]]
    headers = [printable(name) for name in names]
    numbers = [_is_number(kind) for kind in types]
    widths = _widths(headers, shown, numbers, console.width)
    lines = [Text(_line(headers, widths, numbers), style="dim")]
    lines += [Text(_line(row, widths, numbers)) for row in shown]
    for line in lines if names else []:
        output.print_as_is(console, line)
    if len(rows) > limit:
        more = f"more than {units.count(limit)} rows (--limit N, --csv or --json show more)"
        output.print_as_is(console, Text(more, style="dim"))


def _widths(
    headers: list[str], rows: list[list[str]], numbers: list[bool], width: int
) -> list[int]:
    """Give numbers the room they need, and texts what is left: the widest give way first."""
    widths = [
        max(width_of(text) for text in (header, *(row[column] for row in rows)))
        for column, header in enumerate(headers)
    ]
    texts = [column for column, number in enumerate(numbers) if not number]
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    while over > 0 and texts:
        widest = max(texts, key=lambda column: widths[column])
        if widths[widest] <= _LEAST_TEXT:
            break
        others = [widths[column] for column in texts if widths[column] < widths[widest]]
        floor = max([_LEAST_TEXT, *others])
        same = [column for column in texts if widths[column] == widths[widest]]
        step = max(1, min(-(-over // len(same)), widths[widest] - floor))
        for column in same:
            cut = min(step, over)
            widths[column] -= cut
            over -= cut
    return widths


def _line(cells: list[str], widths: list[int], numbers: list[bool]) -> str:
    parts = []
    for cell, width, number in zip(cells, widths, numbers, strict=True):
        text = cell if number else fit(cell, width)
        blanks = " " * (width - width_of(text))
        parts.append(blanks + text if number else text + blanks)
    return (" " * _GAP).join(parts).rstrip()

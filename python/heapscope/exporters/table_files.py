"""The Arrow tables of a capture or of a heap snapshot as files of a directory, one a table.

Needs the extra ``query``. All files are written under other names first: what cannot be written
leaves the tables of before.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

from heapscope.errors import HeapscopeError
from heapscope.tables import TABLES, import_extra, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from heapscope import _analysis


def write_tables(
    capture: _analysis.Capture, kind: str, directory: str, *, force: bool = False
) -> list[str]:
    """Write the tables of a capture; return the files' names.

    Parameters
    ----------
    capture : heapscope._analysis.Capture
        What to write.
    kind : {"parquet", "arrow"}
        The format, which is also the files' suffix.
    directory : str
        Where to; it is made where it is missing.
    force : bool
        Replace tables that are there. Other files in the directory are left alone.

    Raises
    ------
    heapscope.HeapscopeError
        pyarrow is not installed, there are tables and `force` is false, or they cannot be written.
    """
    return _write_files(lambda: tables([capture]), TABLES, kind, directory, force)


def write_heap_tables(
    graph: _analysis.HeapGraph, kind: str, directory: str, *, force: bool = False
) -> list[str]:
    """Write the tables of a heap snapshot, as `write_tables` does those of a capture."""
    from heapscope.heap_tables import HEAP_TABLES, heap_tables

    return _write_files(lambda: heap_tables([graph]), HEAP_TABLES, kind, directory, force)


def _write_files(
    make: Callable[[], dict[str, Any]],
    names: tuple[str, ...],
    kind: str,
    directory: str,
    force: bool,
) -> list[str]:
    files = [os.path.join(directory, f"{name}.{kind}") for name in names]  # noqa: PTH118
    _check_free(kind, directory, files, force)
    made = make()
    try:
        is_new = not os.path.isdir(directory)  # noqa: PTH112
        if is_new:
            Path(directory).mkdir()
        temporary = [f"{file}.{secrets.token_hex(4)}.tmp" for file in files]
        try:
            for name, file in zip(names, temporary, strict=True):
                _WRITERS[kind](made[name], file)
            for source, target in zip(temporary, files, strict=True):
                os.replace(source, target)  # noqa: PTH105
        except BaseException:
            for file in temporary:
                with contextlib.suppress(OSError):
                    os.unlink(file)  # noqa: PTH108
            if is_new:
                with contextlib.suppress(OSError):
                    os.rmdir(directory)  # noqa: PTH106
            raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise HeapscopeError(f"cannot write {directory!r}: {reason or error}") from None
    return files


def _check_free(kind: str, directory: str, files: list[str], force: bool) -> None:
    if not os.path.lexists(directory):
        return
    if not os.path.isdir(directory):  # noqa: PTH112
        raise HeapscopeError(f"{directory!r} is no directory; {kind} is a directory of tables")
    for file in files:
        if os.path.isdir(file):  # noqa: PTH112
            raise HeapscopeError(f"{file!r} is a directory; name another with -o")
        if os.path.lexists(file) and not force:
            raise HeapscopeError(f"{file!r} exists; --force replaces it")


def _write_parquet(table: Any, file: str) -> None:
    import_extra("pyarrow.parquet", "query").write_table(table, file, compression="zstd")


def _write_arrow(table: Any, file: str) -> None:
    ipc = import_extra("pyarrow.ipc", "query")
    with ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


_WRITERS = {"parquet": _write_parquet, "arrow": _write_arrow}

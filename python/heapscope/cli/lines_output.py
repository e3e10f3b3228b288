# ruff: noqa: PTH123
"""Where the result of ``heapscope lines`` goes: stdout or a file, as tables, JSON or a page."""

from __future__ import annotations

import os
import sys

from heapscope.cli import output, units
from heapscope.cli.command_error import CommandError
from heapscope.cli.main import say
from heapscope.errors import HeapscopeError
from heapscope.lines.document import make_document
from heapscope.lines.page import make_page
from heapscope.lines.source import block_of
from heapscope.lines.table import write_tables
from heapscope.report.files import write_new

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heapscope.cli.lines_invocation import LinesInvocation

_ALLOCATIONS = (
    "By allocation: no lines were counted in this run.",
    "Increment is what a line allocated, callees included, that was live when recording stopped;",
    "Peak is what of it was live when the process had most.",
)


def write(
    invocation: LinesInvocation,
    functions: list[dict[str, Any]],
    mode: str,
    started_ns: int,
    *,
    append: bool = False,
    directory: str | None = None,
) -> None:
    """Write the result where it was asked to go."""
    given = {}
    if invocation.program[:1] == ["-c"]:
        given["<string>"] = invocation.program[1].split("\n")

    def block(function: dict[str, Any]) -> Any:
        return block_of(
            function,
            changed_after_ns=started_ns,
            given=given,
            directory=directory,
            only_python=directory is not None,
        )

    if invocation.html is not None:
        _write_page(invocation, functions, mode, block)
        if invocation.output is None and not invocation.json:
            return
    text = _text(invocation, functions, mode, block)
    if invocation.output is None:
        output.prepare_stdout()
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    data = text.encode(errors="backslashreplace")
    if append:
        _append(invocation.output, data)
    else:
        _put(invocation.output, data, invocation)


def _text(
    invocation: LinesInvocation, functions: list[dict[str, Any]], mode: str, block: Any
) -> str:
    if invocation.json:
        import json

        return json.dumps(make_document(functions, mode, block)) + "\n"
    parts: list[str] = []
    if mode == "allocations":
        parts += [line + "\n" for line in (*_ALLOCATIONS, "")]
    write_tables(
        functions,
        parts.append,
        precision=invocation.precision,
        block=block,
        directory=_here(),
    )
    return "".join(parts)


def _here() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return None


def _write_page(
    invocation: LinesInvocation, functions: list[dict[str, Any]], mode: str, block: Any
) -> None:
    assert invocation.html is not None
    page = make_page(
        functions,
        title=" ".join(invocation.program),
        remark=" ".join(_ALLOCATIONS) if mode == "allocations" else "",
        block=block,
        precision=invocation.precision,
    )
    _put(invocation.html, page, invocation)
    if not invocation.quiet:
        say(f"{invocation.html}  {units.size(len(page))}")


def _put(path: str, data: bytes, invocation: LinesInvocation) -> None:
    try:
        write_new(path, data, force=invocation.force)
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None


def _append(path: str, data: bytes) -> None:
    try:
        with open(path, "ab") as file:
            file.write(data)
    except (OSError, ValueError) as error:
        raise CommandError(
            f"cannot write {path!r}: {error.strerror if isinstance(error, OSError) else error}"
        ) from None

"""Snapshots in files: JSON, so that reading one that somebody else wrote executes nothing."""

from __future__ import annotations

import os
from typing import Any

from heapscope.errors import CaptureError
from heapscope.traces.blocks import Blocks, Stacks

_SCHEMA = "heapscope/traces/1"
_MOST_BYTES = 1 << 62  # of a block, and of all; also the most blocks
_MOST_FRAMES = 65_535
RESERVED = frozenset({"_blocks", "traceback_limit", "traces"})  # a snapshot's own attributes


def write(
    path: str | os.PathLike[str], blocks: Blocks, limit: int, attributes: dict[str, Any]
) -> None:
    """Write a snapshot, beside first and then in place."""
    import json

    numbers: dict[int, int] = {}
    names: dict[str, int] = {}
    rows = [
        [numbers.setdefault(stack, len(numbers)), domain, size, count]
        for stack, domain, size, count in zip(
            blocks.of_stack, blocks.domains, blocks.sizes, blocks.counts, strict=True
        )
    ]
    stacks = [
        [
            blocks.stacks.depth(stack),
            *(
                part
                for name, line in blocks.stacks.frames(stack)
                for part in (names.setdefault(name, len(names)), line)
            ),
        ]
        for stack in numbers
    ]
    text = json.dumps(
        {
            "schema": _SCHEMA,
            "traceback_limit": limit,
            "files": list(names),
            "stacks": stacks,
            "blocks": rows,
            "attributes": attributes,
        },
        separators=(",", ":"),
    )
    path = os.fspath(path)
    beside = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        with open(beside, "x", encoding="ascii") as file:  # noqa: PTH123  # pathlib stays unloaded
            file.write(text)
        os.replace(beside, path)  # noqa: PTH105
    except BaseException:
        if os.path.exists(beside):  # noqa: PTH110
            os.unlink(beside)  # noqa: PTH108
        raise


def read(path: str | os.PathLike[str]) -> tuple[Blocks, int, dict[str, Any]]:
    """Read a snapshot: its blocks, the traceback limit and attributes."""
    import json

    path = os.fspath(path)
    with open(path, "rb") as file:  # noqa: PTH123
        text = file.read()
    if text[:1] == b"\x80":
        raise CaptureError(
            "this is a pickle, which executes what it says when it is loaded: if you trust it, "
            "use Snapshot.from_tracemalloc(tracemalloc.Snapshot.load(path))",
            path=path,
        )
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
            raise _Damaged("it has another schema")
        return _understood(document)
    except (ValueError, RecursionError, _Damaged) as error:
        raise CaptureError(f"this is no snapshot that dump() wrote: {error}", path=path) from None


class _Damaged(Exception):
    pass


def _understood(document: dict[str, Any]) -> tuple[Blocks, int, dict[str, Any]]:
    limit = _number(document.get("traceback_limit"), 1, _MOST_FRAMES)
    names = _list(document.get("files"))
    if not all(isinstance(name, str) for name in names):
        raise _Damaged("a file name is no text")
    listed = []
    for stack in map(_list, _list(document.get("stacks"))):
        if len(stack) % 2 == 0 or len(stack) < 3:
            raise _Damaged("a stack has no frames")
        files = [names[_number(number, 0, len(names) - 1)] for number in stack[1::2]]
        lines = [_number(line, 0, 1 << 31) for line in stack[2::2]]
        listed.append((tuple(zip(files, lines, strict=True)), _number(stack[0], 0, _MOST_FRAMES)))
    rows = [_list(row) for row in _list(document.get("blocks"))]
    total = 0
    for row in rows:
        if len(row) != 4 or not (_is_number(row[1]) or isinstance(row[1], str)):
            raise _Damaged("a row of blocks is incomplete")
        _number(row[0], 0, len(listed) - 1)
        total += _number(row[3], 1, _MOST_BYTES) * max(1, _number(row[2], 0, _MOST_BYTES))
    _number(total, 0, _MOST_BYTES)
    attributes = document.get("attributes")
    if not isinstance(attributes, dict) or not RESERVED.isdisjoint(attributes):
        raise _Damaged("its attributes are no attributes")
    if any(name.startswith("__") for name in attributes):
        raise _Damaged("its attributes are no attributes")
    return Blocks.of_rows(Stacks(listed), rows), limit, attributes


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Damaged("a list is missing")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any, least: int, most: int) -> int:
    if not _is_number(value) or not least <= value <= most:
        raise _Damaged("a number is missing or out of range")
    return int(value)

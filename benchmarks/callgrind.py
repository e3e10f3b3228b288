"""Runs a program under valgrind's callgrind and reads what it counted."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from process import cost

_POSITION = re.compile(r"(fl|fi|fe|fn|ob|cfn|cob|cfi|cfl)=(.*)")
_NAME = re.compile(r"\((\d+)\)(?: (.*))?")
_SPACES = {"ob": "object", "cob": "object", "fn": "function", "cfn": "function"}  # else a file


class Place(NamedTuple):
    """Where instructions were executed; an inlined function has its own file and lines."""

    object: str
    function: str
    file: str
    line: int


def count(command: Sequence[str], variables: Mapping[str, str]) -> Counter[Place]:
    """Instructions that `command` executes, by place."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        output = Path(name) / "callgrind.out"
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}"]
        total = cost([*tool, *command], variables, timeout_s=3600)
        if total.exit_code != 0 or not output.exists():
            raise SystemExit(f"callgrind failed: {total.complaint.strip()}")
        return read(output)


def read(path: Path) -> Counter[Place]:
    """Self cost by place from a callgrind file.

    The format numbers its names (``fn=(12) name``, later ``fn=(12)``) and writes lines relative to
    the one before (``+3 5``); the line after ``calls=`` is the callee's cost and not counted.
    """
    names: dict[tuple[str, str], str] = {}
    current = {"object": "?", "function": "?", "file": "?"}
    counts: Counter[Place] = Counter()
    line_number = 0
    callee = False
    with path.open(encoding="utf-8", errors="replace") as file:
        for raw in file:
            text = raw.rstrip("\n")
            position = _POSITION.fullmatch(text)
            if position:
                kind, name = position.groups()
                space = _SPACES.get(kind, "file")
                resolved = _resolve(names, space, name)
                if not kind.startswith("c"):
                    current[space] = resolved
            elif text.startswith("calls="):
                callee = True
            elif text[:1].isdigit() or text[:1] in ("+", "-", "*"):
                where, *costs = text.split()
                if where[0] in "+-":
                    line_number += int(where)
                elif where != "*":
                    line_number = int(where)
                if costs and not callee:
                    place = Place(
                        Path(current["object"]).name,
                        current["function"],
                        Path(current["file"]).name,
                        line_number,
                    )
                    counts[place] += int(costs[0])
                callee = False
    return counts


def _resolve(names: dict[tuple[str, str], str], space: str, text: str) -> str:
    match = _NAME.fullmatch(text)
    if match is None:
        return text
    if match[2]:
        names[space, match[1]] = match[2]
    return names.get((space, match[1]), "?")

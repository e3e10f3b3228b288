"""Records small programs whose allocations are known, and tells what their marked lines hold.

A line of a program is marked by a comment at its end, ``# here: NAME``. What a program knows about
itself only at run time (a size, a count) it prints as one Python literal.
"""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heapscope import Capture
from heapscope.capture import Site

PROGRAMS = Path(__file__).parent / "programs"
NATIVE = Path(__file__).parent / "native"
_MARK = re.compile(r"# here: (\w+)")


@dataclass(frozen=True)
class Figures:
    """Bytes and blocks of some sites."""

    live: tuple[int, int]
    peak: tuple[int, int]
    allocated: tuple[int, int]
    temporary: tuple[int, int]


def figures(sites: list[Site]) -> Figures:
    """The sum over sites."""
    return Figures(
        (sum(s.live_bytes for s in sites), sum(s.live_blocks for s in sites)),
        (sum(s.peak_bytes for s in sites), sum(s.peak_blocks for s in sites)),
        (sum(s.allocated_bytes for s in sites), sum(s.allocations for s in sites)),
        (sum(s.temporary_bytes for s in sites), sum(s.temporary_allocations for s in sites)),
    )


@functools.cache
def marks(program: Path) -> Mapping[str, int]:
    """Line numbers of a program's marks."""
    found: dict[str, int] = {}
    for number, line in enumerate(program.read_text().splitlines(), 1):
        for name in _MARK.findall(line):
            assert name not in found, f"{program.name}: two lines are {name}"
            found[name] = number
    return found


class Recorded:
    """A run of a program that was recorded, and what its lines hold."""

    def __init__(self, program: Path, capture: Capture, output: str = "") -> None:
        self.program = program
        self.capture = capture
        self.output = output

    @property
    def told(self) -> Any:
        """What the program printed."""
        return ast.literal_eval(self.output)

    @functools.cached_property
    def sites(self) -> list[Site]:
        return self.capture.sites("allocated")

    def sites_at(self, mark: str, *domains: str) -> list[Site]:
        """The sites whose innermost frame is at a mark."""
        place = (str(self.program), marks(self.program)[mark])
        return [
            site
            for site in self.sites
            if (site.file, site.line) == place and (not domains or site.domain in domains)
        ]

    def at(self, mark: str, *domains: str) -> Figures:
        """The figures of a marked line, in some domains or in all."""
        return figures(self.sites_at(mark, *domains))


def command(capture: Path, *program: str, options: tuple[str, ...] = ()) -> list[str]:
    """The command line that records a program."""
    recorder = ["-m", "heapscope", "run", "-q", "--force", "-o", str(capture)]
    return [sys.executable, *options, *recorder, *program]


def record(
    directory: Path,
    name: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
    returncode: int = 0,
    **others: Any,
) -> Recorded:
    """Run ``programs/NAME.py`` under ``heapscope run``; a word on stderr is an error."""
    program = PROGRAMS / f"{name}.py"
    path = directory / "out.hscope"
    ended = subprocess.run(
        command(path, str(program), *arguments, options=options),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(environment or {})},
        **others,
    )
    assert (ended.stderr, ended.returncode) == ("", returncode), ended
    return Recorded(program, Capture(path), ended.stdout)


def assert_whole(capture: Capture) -> dict[str, Any]:
    """The sums of a capture hold, whatever became of its program; its summary."""
    assert capture.damage == []
    summary = capture.summary()
    rows = capture.table("line", "allocated")["rows"]

    def total(key: str) -> int:
        return sum(row[key] for row in rows)

    assert total("peak_bytes") == summary["peak_bytes"]
    assert total("live_bytes") == summary["live_bytes_at_end"]
    assert total("allocated_bytes") - summary["freed_bytes"] == summary["live_bytes_at_end"]
    for key in ("allocated_bytes", "allocations", "temporary_bytes", "temporary_allocations"):
        assert total(key) == summary[key]
    assert total("live_bytes") <= total("peak_bytes") <= total("allocated_bytes")
    assert summary["tracker"]["events_lost"] == 0
    for row in rows:
        for kind in ("live", "peak"):
            assert 0 <= row[f"{kind}_bytes"] <= row["allocated_bytes"]
            assert 0 <= row[f"{kind}_blocks"] <= row["allocations"]
        assert 0 <= row["temporary_bytes"] <= row["allocated_bytes"] - row["live_bytes"]
        assert 0 <= row["temporary_allocations"] <= row["allocations"] - row["live_blocks"]
    return summary


def depth_of(capture: Capture, function: str) -> int:
    """The most frames of one function on one stack."""
    deepest = 0
    stack = [(capture.tree("allocated", 0.0), 0)]
    while stack:
        node, depth = stack.pop()
        depth += node["function"] == function
        deepest = max(deepest, depth)
        stack.extend((child, depth) for child in node["children"])
    return deepest


def compile_library(directory: Path, name: str, *flags: str) -> Path:
    """Compile ``native/NAME.c`` into a shared library."""
    library = directory / f"lib{name}.so"
    compiler = os.environ.get("CC", "cc")
    # -fno-builtin: the compiler must not drop a malloc whose block is freed at once.
    build = [compiler, "-O1", "-Wall", "-Werror", "-fno-builtin", "-fPIC", "-shared", "-pthread"]
    subprocess.run([*build, "-o", str(library), str(NATIVE / f"{name}.c"), *flags], check=True)
    return library


def both_ways(
    directory: Path,
    name: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    returncode: int = 0,
) -> tuple[Recorded, str]:
    """Run ``programs/NAME.py`` recorded and unrecorded; what the latter printed comes second."""
    program = str(PROGRAMS / f"{name}.py")
    plain = subprocess.run(
        [sys.executable, *options, program, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (plain.stderr, plain.returncode) == ("", returncode), plain
    recorded = record(directory, name, *arguments, options=options, returncode=returncode)
    return recorded, plain.stdout

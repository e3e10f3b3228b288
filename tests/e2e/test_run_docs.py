"""The consoles in the manual are what the commands print, figures apart."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("run.md",)
# query, plot and timeline need the extras
ON_ONE_VERSION = (
    "tree-and-table.md",
    "peak.md",
    "measure.md",
    "lines.md",
    "leaks.md",
    "heap.md",
    "heap-growth.md",
    "heap-suspects.md",
    "diff.md",
    "query.md",
    "plot.md",
    "timeline.md",
)
FIGURE = re.compile(r"<?\d[\d,.]*( ?(B|[KMG]iB|ns|µs|ms|s|%)(?!\w))?")
LEVEL = re.compile("[├└]")
CURVE = re.compile("[▁▂▃▄▅▆▇█]+")


def consoles(page: Path) -> list[tuple[str, list[str]]]:
    """Return the commands of a page, in order, each with the lines it prints."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def comparable(lines: list[str]) -> list[str]:
    """Leave out what differs by version: figures, the order of near equals, the interpreter's own.

    A tree is compared by its levels, a curve by its being there.
    """
    own = ("<frozen ", "(no Python frame)")
    masked = [
        " ".join(FIGURE.sub("#", CURVE.sub("~", LEVEL.sub("│", line))).split()) for line in lines
    ]
    return sorted(line.rstrip("│ ") for line in masked if not any(mark in line for mark in own))


@pytest.mark.parametrize(
    "name",
    [*PAGES, *(pytest.param(name, marks=pytest.mark.one_version) for name in ON_ONE_VERSION)],
)
def test_the_manual_shows_what_is_printed(tmp_path: Path, name: str) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    commands = consoles(ROOT / "docs" / name)
    assert commands
    for command, expected in commands:
        assert command.startswith("heapscope ")
        ended = subprocess.run(
            ["sh", "-c", f"COLUMNS=80 '{sys.executable}' -m {command}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        printed = (ended.stdout + ended.stderr).splitlines()
        assert comparable(printed) == comparable(expected), command

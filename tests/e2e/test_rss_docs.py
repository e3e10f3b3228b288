"""The console of docs/rss.md is what the commands print, but for figures and small parts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_run_docs import ROOT, comparable, consoles

pytestmark = pytest.mark.one_version

LARGE = 10  # per cent of RSS; which of the smaller parts there are differs from run to run
_ROW = re.compile(r" *[\d.]+ [KMG]?i?B +<?([\d.]+) %  ")


def without_small_parts(lines: list[str]) -> list[str]:
    """Leave out rows of the table that are a small part, and the blanks that align the others."""
    rows = [(line, _ROW.match(line)) for line in lines]
    return [line for line, row in rows if row is None or float(row[1]) >= LARGE]


def test_the_manual_shows_what_is_printed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    commands = consoles(ROOT / "docs" / "rss.md")
    assert [command.split()[1] for command, _ in commands] == ["run", "rss"]
    for command, expected in commands:
        ended = subprocess.run(
            ["sh", "-c", f"COLUMNS=80 '{sys.executable}' -m {command}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        printed = without_small_parts((ended.stdout + ended.stderr).splitlines())
        assert comparable(printed) == comparable(without_small_parts(expected)), command

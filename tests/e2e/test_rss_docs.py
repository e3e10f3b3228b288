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
_ROW = re.compile(r" *[\d.]+ [KMG]?i?B +<?([\d.]+) %  (.*?)(  |$)")
_CONTINUED = " " * 20


def what_is_told(lines: list[str]) -> list[str]:
    """Return the headline, the names of large parts, and the advice in one line."""
    text = " ".join(line for line in lines if not _ROW.match(line) and _CONTINUED not in line)
    rows = [row for row in map(_ROW.match, lines) if row and float(row[1]) >= LARGE]
    return [text, *(row[2] for row in rows)]


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
        printed = what_is_told((ended.stdout + ended.stderr).splitlines())
        assert comparable(printed) == comparable(what_is_told(expected)), command

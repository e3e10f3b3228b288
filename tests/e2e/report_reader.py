"""Makes reports as a user does, and takes their data out again by the contract."""

from __future__ import annotations

import array
import base64
import functools
import itertools
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

PROGRAM = """\
import threading

def keep(size):
    return bytearray(size)

def work():
    return [keep(300_000) for _ in range(5)]

kept = work()
thread = threading.Thread(target=work, name="helper")
thread.start()
thread.join()
"""

_TYPES = {"u8": "B", "u16": "H", "u32": "I", "i32": "i", "f64": "d"}


def heapscope(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a verb."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HEAPSCOPE")}
    return subprocess.run(
        [sys.executable, "-m", "heapscope", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def record(directory: Path, program: str, name: str = "work") -> Path:
    """Record a program; returns its capture."""
    script = directory / f"{name}.py"
    script.write_text(program, encoding="utf-8")
    ran = heapscope(directory, "run", "-q", "-o", f"{name}.hscope", script.name)
    assert ran.returncode == 0, ran.stderr
    return directory / f"{name}.hscope"


class Report:
    """A report's HTML, read back."""

    def __init__(self, html: str) -> None:
        self.html = html
        element = r'<script\b[^>]*\bid="(heapscope-\w+)"[^>]*>([^<]*)</script>'
        self._texts = dict(re.findall(element, html))

    @classmethod
    def of(cls, capture: Path, *arguments: str) -> Report:
        """The report that the verb makes of a capture."""
        output = capture.with_suffix(".html")
        options = [*arguments, "--force", "-o", output.name]
        made = heapscope(capture.parent, "report", capture.name, *options)
        assert made.returncode == 0, made.stderr
        return cls(output.read_text(encoding="utf-8"))

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self._texts["heapscope-manifest"])
        return manifest

    @functools.cached_property
    def columns(self) -> dict[str, list[float]]:
        """Every column, as numbers."""
        data = self._inflated("heapscope-columns")
        columns: dict[str, list[float]] = {}
        at = 0
        for column in self.manifest["columns"]:
            numbers = array.array(_TYPES[column["type"]])
            at = (at + 7) // 8 * 8
            end = at + numbers.itemsize * column["length"]
            numbers.frombytes(data[at:end])
            at = end
            summed = itertools.accumulate(numbers) if column["delta"] else numbers
            columns[column["name"]] = list(summed)
        assert at == len(data)
        return columns

    @functools.cached_property
    def files(self) -> list[str]:
        """Names of files."""
        ends = [int(end) for end in self.columns["string_ends"]]
        text = bytes(int(byte) for byte in self.columns["string_bytes"])
        strings = [text[a:b].decode() for a, b in itertools.pairwise([0, *ends])]
        return [strings[int(name)] for name in self.columns["file_name"]]

    @functools.cached_property
    def sources(self) -> dict[str, str]:
        """Texts of the embedded files by their names."""
        files = json.loads(self._inflated("heapscope-sources"))["files"]
        return {
            self.files[int(index)]: "\n".join("".join(line[::2]) for line in source["lines"])
            for index, source in files.items()
        }

    @functools.cached_property
    def kinds(self) -> dict[str, set[str]]:
        """Of each embedded file the classes that its pieces have."""
        files = json.loads(self._inflated("heapscope-sources"))["files"]
        return {
            self.files[int(index)]: {kind for line in source["lines"] for kind in line[1::2]}
            for index, source in files.items()
        }

    def _inflated(self, element: str) -> bytes:
        return zlib.decompress(base64.b64decode(self._texts[element]), wbits=-zlib.MAX_WBITS)

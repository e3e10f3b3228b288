"""A program that allocates as it is told, for tests of what watches it."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType

_PROGRAM = """
import os, resource, subprocess, sys
held = {}
children = []
for line in sys.stdin:
    word, *values = line.split()
    if word == "hold":
        held[values[0]] = bytearray(int(values[1]) << 20)
    elif word == "drop":
        del held[values[0]]
    elif word == "spike":
        bytearray(int(values[0]) << 20)
    elif word == "child":
        code = "import sys; b = bytearray(%s << 20); print(flush=True); input()" % values[0]
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        child.stdout.readline()
        children.append(child)
    elif word == "childless":
        for child in children:
            child.communicate(b"\\n")
        children.clear()
    elif word == "highest":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
        continue
    print(*[child.pid for child in children], flush=True)
"""


class AllocatingProgram:
    """One that has started; each `tell` returns when it has done so."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.tell("hold start 0")

    def tell(self, command: str) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __enter__(self) -> AllocatingProgram:  # noqa: PYI034
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.communicate()

"""Records programs for the tests of verbs that read captures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def record(directory: Path, program: str, script: str = "work.py", name: str = "work") -> str:
    """Run a program under `heapscope run` and name its capture."""
    (directory / script).write_text(program, encoding="utf-8")
    capture = str(directory / f"{name}.hscope")
    subprocess.run(
        [sys.executable, "-m", "heapscope", "run", "-q", "--force", "-o", capture, script],
        cwd=directory,
        check=True,
        timeout=60,
    )
    return capture

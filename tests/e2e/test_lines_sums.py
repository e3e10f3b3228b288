"""The increments of a function's lines sum to its net change, in whatever program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "programs" / "line_sums.py"


def test_increments_sum_to_the_net_change_in_random_programs() -> None:
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), "200"], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr

"""What is measured of a capture after its run: time to an answer, the heap's peak, sealing."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import environment
from peers import Tool
from process import cost

ANSWER_BUDGET_S = 3.0  # no capture is asked the same again after this time
_SEAL = """
import sys, time
from heapscope import _analysis
start = time.perf_counter()
_analysis.seal(sys.argv[1])
print(time.perf_counter() - start)
"""


def answer_times(
    tool: Tool, programs: Path, directory: Path, times: int
) -> tuple[dict[str, list[float]], list[str]]:
    """Wall seconds of each command that answers from the capture, asked up to `times` times.

    Returns
    -------
    seconds : dict of str to list of float
        By the command's name.
    complaints : list of str
        Of the commands that failed.
    """
    found: dict[str, list[float]] = {}
    complaints = []
    for name, command in tool.answers.items():
        seconds = found.setdefault(name, [])
        while len(seconds) < times and sum(seconds) < ANSWER_BUDGET_S:
            asked = cost(tool.fill(command, programs, directory), environment.clean_variables())
            if asked.exit_code != 0:
                complaints.append(f"{tool.label} {name} failed: {asked.complaint.strip()}")
                break
            seconds.append(asked.wall_s)
    return found, complaints


def heap_peak_bytes(programs: Path, capture: Path) -> int | None:
    """The heap's highest size as heapscope's capture tells it."""
    answer = _output(str(programs / "heapscope"), "summary", "--json", str(capture))
    return int(json.loads(answer)["peak_bytes"]) if answer else None


def sealing_s(programs: Path, workload: str, scale: float) -> float | None:
    """Wall seconds of sealing heapscope's capture of a run that nobody sealed."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        capture = Path(name) / "out.hscope"
        variables = environment.clean_variables(
            BENCH_SCALE=str(scale), HEAPSCOPE_RUN=f"f:{capture}"
        )
        python = str(programs / "python")
        cost([python, str(environment.WORKLOADS / f"{workload}.py")], variables)
        answer = _output(python, "-c", _SEAL, str(capture))
    return float(answer) if answer else None


def _output(*command: str) -> str:
    answer = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=environment.clean_variables(),
        check=False,
    )
    return answer.stdout if answer.returncode == 0 else ""

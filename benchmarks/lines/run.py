"""What line profilers cost: heapscope's, memory_profiler's, mprof's and tracemalloc's.

Processor time inside the workload's function, for each unit of its work, over that of plain Python;
medians of interleaved rounds. A tool that is a thousand times dearer gets less to do.

Examples
--------
``python benchmarks/lines/run.py``             measures in this interpreter, prints the table
``python benchmarks/lines/run.py --write``     and puts it into docs/lines.md
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
WORKLOAD = HERE / "workload.py"
PAGE = TREE / "docs" / "lines.md"
RESULTS = HERE.parent / "results" / "lines.json"
SIZES = {"fib": 27, "tight_loop": 1_000_000, "numpy_temporaries": 100}
LESS = {"fib": 16, "tight_loop": 10_000, "numpy_temporaries": 100}
TITLES = {
    "fib": "`fib(27)`",
    "tight_loop": "`total += i`, 1,000,000 times",
    "numpy_temporaries": "8 MB numpy temporaries",
}
BEGIN, END = "<!-- measured by benchmarks/lines/run.py -->", "<!-- end -->"


def tools(peers: str | None) -> dict[str, tuple[list[str], dict[str, int]]]:
    """Commands before the workload, and the sizes they can bear."""
    python = sys.executable
    found = {
        "python": ([python], SIZES),
        "heapscope lines": ([python, "-m", "heapscope", "lines", "-q"], SIZES),
        "tracemalloc": ([python, "-X", "tracemalloc=1"], SIZES),
    }
    if peers is not None:
        found["memory_profiler"] = ([peers, "-m", "memory_profiler"], LESS)
        mprof = str(Path(peers).with_name("mprof"))
        # With a program that it does not know for Python it only samples.
        found["mprof run"] = ([peers, mprof, "run", "-o", os.devnull, peers], SIZES)
    return found


def cost(command: list[str], workload: str, size: int, directory: str) -> float:
    """Seconds of a unit."""
    ended = subprocess.run(
        [*command, str(WORKLOAD), workload, str(size)],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    match = re.search(r"^COST (\S+) (\S+)$", ended.stderr, re.MULTILINE)
    assert match, ended.stderr
    return float(match[1]) / float(match[2])


def measure(peers: str | None, rounds: int) -> dict[str, dict[str, float]]:
    """Ratios by tool and workload."""
    chosen = tools(peers)
    times: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(rounds):
            for workload in SIZES:
                for tool, (command, sizes) in chosen.items():
                    spent = cost(command, workload, sizes[workload], directory)
                    times.setdefault((tool, workload), []).append(spent)
    middle = {key: statistics.median(values) for key, values in times.items()}
    return {
        tool: {workload: middle[tool, workload] / middle["python", workload] for workload in SIZES}
        for tool in chosen
    }


def table(ratios: dict[str, dict[str, float]]) -> str:
    heads = ["tool", *TITLES.values()]
    rows = [
        [
            f"`{tool}`",
            *(f"{each[workload]:,.{2 if each[workload] < 20 else 0}f}x" for workload in SIZES),
        ]
        for tool, each in ratios.items()
        if tool != "python"
    ]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="a Python with memory_profiler and numpy")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into docs/lines.md")
    options = parser.parse_args(arguments)
    ratios = measure(options.peers, options.rounds)
    text = table(ratios)
    sys.stdout.write(text + "\n")
    if options.write:
        RESULTS.write_text(
            json.dumps(
                {"python": sys.version.split()[0], "rounds": options.rounds, "ratios": ratios},
                indent=1,
            )
            + "\n",
            encoding="utf-8",
        )
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Live blocks under tracemalloc's interface: filling, a snapshot, its statistics; medians.

Examples
--------
``python benchmarks/lines/traces.py``    prints the figures that docs/tracemalloc.md shows
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

WORKLOAD = Path(__file__).with_name("traces_workload.py")
RUNS = (("none", 1), ("heapscope", 1), ("heapscope", 25), ("tracemalloc", 1), ("tracemalloc", 25))
COLUMNS = ("fill_s", "take_s", "statistics_s", "fill_rss", "statistics_rss", "blocks", "bytes")


def cost(tracer: str, frames: int, thousands: int) -> dict[str, float]:
    """What one run measured of itself."""
    command = [sys.executable, str(WORKLOAD), tracer, str(frames), str(thousands)]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(ended.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--thousands", type=int, default=1270, help="1,270 make 1.8 million blocks")
    options = parser.parse_args()
    found: dict[tuple[str, int], list[dict[str, float]]] = {run: [] for run in RUNS}
    for _ in range(options.rounds):
        for run in RUNS:
            found[run].append(cost(*run, options.thousands))
    print("tracer", "frames", *COLUMNS, sep="\t")
    for run, costs in found.items():
        middle = [statistics.median(each.get(name, 0) for each in costs) for name in COLUMNS]
        print(*run, *(f"{value:.4f}" if value < 1000 else int(value) for value in middle), sep="\t")


if __name__ == "__main__":
    main()

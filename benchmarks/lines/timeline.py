"""What watching costs, and what it sees: `heapscope timeline run` beside mprof.

Cost is processor time of the program and the watcher together, over that of the program alone:
medians of interleaved rounds. A spike counts as seen when the file has a size of at least 90 % of
it, within an interval of when it was.

Examples
--------
``python benchmarks/lines/timeline.py --peers PYTHON``            prints the table
``python benchmarks/lines/timeline.py --peers PYTHON --write``    and puts it into docs/timeline.md
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
WORKLOAD = str(HERE / "timeline_workload.py")
PAGE = TREE / "docs" / "timeline.md"
RESULTS = HERE.parent / "results" / "timeline.json"
BEGIN, END = "<!-- measured by benchmarks/lines/timeline.py -->", "<!-- end -->"
INTERVAL_S = 0.1
SPIKE_MIB = 60
WORK_S, REST_S = 3.0, 5.0


def tools(peers: str | None) -> dict[str, list[str]]:
    """Commands before the program; DAT stands for the file."""
    found = {
        "alone": [],
        "heapscope timeline run": [
            *(sys.executable, "-m", "heapscope", "timeline", "run", "-q", "-o", "DAT")
        ],
    }
    if peers is not None:
        found["mprof run"] = [peers, "-m", "mprof", "run", "--nopython", "-o", "DAT"]
    return found


def run(tool: list[str], dat: str, *arguments: str) -> tuple[float, str]:
    """Seconds of processor time of all processes, and stderr."""
    command = [dat if word == "DAT" else word for word in tool]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*command, sys.executable, WORKLOAD, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        told = errors.read()
    assert process.returncode == 0, told
    return usage.ru_utime + usage.ru_stime, told


def saw(dat: str, told: str) -> bool:
    """Whether the file has the spike where it was."""
    line = next(line for line in told.splitlines() if line.startswith("SPIKE "))
    start, end, before = map(float, line.split()[1:])
    sizes = []
    for words in map(str.split, Path(dat).read_text().splitlines()):
        if words[0] == "MEM" and start - INTERVAL_S <= float(words[2]) <= end + INTERVAL_S:
            sizes.append(float(words[1]))
    return max(sizes, default=0.0) - before >= 0.9 * SPIKE_MIB


def measure(peers: str | None, rounds: int, spikes: int) -> dict[str, dict[str, float]]:
    chance = random.Random(1)
    costs: dict[tuple[str, str], list[float]] = {}
    seen: dict[tuple[str, str], int] = {}
    chosen = tools(peers)
    with tempfile.TemporaryDirectory() as directory:
        for number in range(rounds):
            for kind, seconds in (("work", WORK_S), ("rest", REST_S)):
                for tool, command in chosen.items():
                    dat = str(Path(directory, f"{number}{kind}{tool}.dat"))
                    spent, _ = run(command, dat, kind, str(seconds))
                    costs.setdefault((tool, kind), []).append(spent)
        for number in range(spikes):
            for kind in ("spike", "lower-spike"):
                seconds = 0.5 + chance.random() / 2
                for tool, command in chosen.items():
                    if tool == "alone":
                        continue
                    dat = str(Path(directory, f"{number}{kind}{tool}.dat"))
                    _, told = run(command, dat, kind, str(seconds))
                    seen[tool, kind] = seen.get((tool, kind), 0) + saw(dat, told)
    middle = {key: statistics.median(values) for key, values in costs.items()}
    return {
        tool: {
            "work": middle[tool, "work"] / middle["alone", "work"],
            "rest": 100 * (middle[tool, "rest"] - middle["alone", "rest"]) / REST_S,
            "spike": seen[tool, "spike"],
            "lower-spike": seen[tool, "lower-spike"],
        }
        for tool in chosen
        if tool != "alone"
    }


def table(found: dict[str, dict[str, float]], spikes: int) -> str:
    lines = [
        "| | work, CPU | at rest, of one CPU | spikes seen | below an earlier maximum |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{tool}` | {each['work']:.3f}x | {each['rest']:.1f} % | {each['spike']} of {spikes} | "
        f"{each['lower-spike']} of {spikes} |"
        for tool, each in found.items()
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="a Python with memory_profiler")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--spikes", type=int, default=30)
    parser.add_argument("--write", action="store_true", help="put the table into docs/timeline.md")
    options = parser.parse_args(arguments)
    found = measure(options.peers, options.rounds, options.spikes)
    text = table(found, options.spikes)
    sys.stdout.write(text + "\n")
    if options.write:
        document = {
            "python": sys.version.split()[0],
            "rounds": options.rounds,
            "spikes": options.spikes,
            "tools": found,
        }
        RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

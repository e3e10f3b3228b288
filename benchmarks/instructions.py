"""Counts instructions with callgrind: what a change costs where a clock is too coarse.

``python benchmarks/instructions.py method_calls`` prints how many instructions the work executes
untracked and tracked, and which functions execute the added ones. The count is the difference
between a run of 2n and one of n rounds, so that start, imports and end cancel out. Callgrind runs
some 50 times slower than the machine: what happens by the clock (ticks) weighs more than in life.

Needs valgrind; heapscope built with debug information gives inlined code its own name.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import environment
from peers import WORKLOADS
from process import cost

_POSITION = re.compile(r"(fl|fi|fe|fn|ob|cfn|cob|cfi|cfl)=(.*)")
_NAME = re.compile(r"\((\d+)\)(?: (.*))?")


def self_instructions(path: Path) -> Counter[str]:
    """Instructions of each function itself, from a callgrind file; keys are ``object:function``."""
    names: dict[tuple[str, str], str] = {}
    counts: Counter[str] = Counter()
    current = {"ob": "?", "fn": "?"}
    inclusive = False  # the line after calls= is the callee's

    def resolve(kind: str, text: str) -> str:
        match = _NAME.fullmatch(text)
        if match is None:
            return text
        key = ("ob" if kind.endswith("ob") else "fn", match[1])
        if match[2]:
            names[key] = match[2]
        return names.get(key, "?")

    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            line = line.rstrip("\n")
            position = _POSITION.fullmatch(line)
            if position:
                kind, text = position.groups()
                if kind in ("ob", "fn", "cob", "cfn"):
                    name = resolve(kind, text)
                    if kind in current:
                        current[kind] = name
            elif line.startswith("calls="):
                inclusive = True
            elif line[:1].isdigit() or line[:1] in "+-*":
                parts = line.split()
                if not inclusive and len(parts) > 1:
                    counts[f"{Path(current['ob']).name}:{current['fn']}"] += int(parts[1])
                inclusive = False
    return counts


def run(programs: Path, workload: str, scale: float, *, tracked: bool) -> Counter[str]:
    """Instructions by function of one run under callgrind."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        output = Path(name) / "callgrind.out"
        more = {"HEAPSCOPE_RUN": f"f:{name}/out.hscope"} if tracked else {}
        variables = environment.clean_variables(BENCH_SCALE=str(scale), **more)
        script = str(environment.WORKLOADS / f"{workload}.py")
        command = [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={output}",
            str(programs / "python"),
            script,
        ]
        total = cost(command, variables, timeout_s=3600)
        if total.exit_code != 0 or not output.exists():
            raise SystemExit(f"callgrind failed on {workload}: {total.complaint.strip()}")
        return self_instructions(output)


def rounds(programs: Path, workload: str, scale: float, *, tracked: bool) -> Counter[str]:
    """Instructions by function of `scale` of the work, without start and end."""
    twice = run(programs, workload, 2 * scale, tracked=tracked)
    twice.subtract(run(programs, workload, scale, tracked=tracked))
    return twice


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--scale", type=float, default=0.1, help="part of the work that is counted")
    parser.add_argument("--functions", type=int, default=25, help="rows to print")
    parser.add_argument("--python", default=sys.executable, help="interpreter to measure with")
    parser.add_argument("--no-install", dest="install", action="store_false")
    options = parser.parse_args(arguments)
    programs = environment.programs(options.python, install=options.install)
    base = rounds(programs, options.workload, options.scale, tracked=False)
    tracked = rounds(programs, options.workload, options.scale, tracked=True)
    before, after = base.total(), tracked.total()
    print(f"{options.workload}: {before:,} instructions untracked, {after:,} tracked, ", end="")
    print(f"ratio {after / before:.3f}")
    added = after - before
    tracked.subtract(base)
    print(f"{'added':>15} {'share':>6}  function")
    for name, count in tracked.most_common(options.functions):
        print(f"{count:>15,} {count / added:>6.1%}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

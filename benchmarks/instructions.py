"""Counts instructions with callgrind: what a change costs where a clock is too coarse.

``python benchmarks/instructions.py method_calls`` prints how many instructions the work executes
untracked and tracked, and which functions execute the added ones; ``--by line`` tells by source
line, inlined code under its own file. The count is the difference between a run of 2n and one of n
rounds, so that start, imports and end cancel out. Callgrind runs some 50 times slower than the
machine: what happens by the clock (ticks) weighs more than in life. Needs valgrind.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import callgrind
import environment
from callgrind import Place
from peers import WORKLOADS

GROUPS = {
    "function": lambda place: f"{place.object}:{place.function}",
    "file": lambda place: f"{place.object}:{place.file}",
    "line": lambda place: f"{place.file}:{place.line}  in {place.function}",
}


@dataclass(frozen=True)
class Counted:
    """What is counted: a workload in a size, by an interpreter with a package first on its path."""

    python: Path
    package: Path
    workload: str
    scale: float

    def whole(self, factor: float, *, tracked: bool) -> Counter[Place]:
        """Instructions of one run of `factor` times the size, start and end included."""
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            more = {"HEAPSCOPE_RUN": f"f:{directory}/out.hscope"} if tracked else {}
            variables = environment.clean_variables(
                BENCH_SCALE=str(factor * self.scale), PYTHONPATH=str(self.package), **more
            )
            script = environment.WORKLOADS / f"{self.workload}.py"
            return callgrind.count([str(self.python), str(script)], variables)

    def work(self, *, tracked: bool) -> Counter[Place]:
        """Instructions of the work, without start and end."""
        counts = self.whole(2, tracked=tracked)
        counts.subtract(self.whole(1, tracked=tracked))
        return counts


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--scale", type=float, default=0.1, help="part of the work that is counted")
    parser.add_argument("--by", choices=GROUPS, default="function")
    parser.add_argument("--rows", type=int, default=25)
    parser.add_argument("--python", default=sys.executable, help="interpreter to measure with")
    parser.add_argument("--no-install", dest="install", action="store_false")
    options = parser.parse_args(arguments)
    programs = environment.programs(options.python, install=options.install)
    package = environment.debug_package(programs, install=options.install)
    counted = Counted(programs / "python", package, options.workload, options.scale)
    counted.whole(0.0, tracked=True)  # byte code is compiled now and not while counting
    base = counted.work(tracked=False)
    tracked = counted.work(tracked=True)
    before, after = base.total(), tracked.total()
    print(f"{options.workload}: {before:,} instructions untracked, {after:,} tracked, ", end="")
    print(f"ratio {after / before:.3f}")
    tracked.subtract(base)
    grouped: Counter[str] = Counter()
    for place, count in tracked.items():
        grouped[GROUPS[options.by](place)] += count
    print(f"{'added':>15} {'share':>6}  {options.by}")
    for name, count in grouped.most_common(options.rows):
        print(f"{count:>15,} {count / (after - before):>6.1%}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

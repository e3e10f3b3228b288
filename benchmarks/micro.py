"""Nanoseconds that tracking adds to one allocation and its free, by pattern and depth of the stack.

``python benchmarks/micro.py`` measures in one process: before tracking starts, while it runs, and
after it stopped. Every pattern makes one block a step and frees it in the next; the loops
themselves allocate nothing. Each figure is the lowest of many, CPU time of the thread.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import environment
from table import markdown

STEPS = 20_000
DEPTHS = (5, 20, 50, 1_000)


def same_line(steps: int) -> None:
    """One line allocates again and again."""
    for _ in itertools.repeat(None, steps):
        object()


def four_lines(steps: int) -> None:
    """The stack's last frame moves between allocations."""
    for _ in itertools.repeat(None, steps // 4):
        object()
        object()
        object()
        object()


def leaf() -> object:
    return object()


def called(steps: int) -> None:
    """A function is called for every allocation: a frame comes and goes."""
    for _ in itertools.repeat(None, steps):
        leaf()


def generated(steps: int) -> None:
    """A generator allocates: its frame lives elsewhere."""

    def items() -> Iterator[object]:
        for _ in itertools.repeat(None, steps):
            yield object()

    for _ in items():
        pass


PATTERNS: tuple[Callable[[int], None], ...] = (same_line, four_lines, called, generated)


def at_depth(depth: int, pattern: Callable[[int], None], steps: int) -> None:
    """Call `pattern` with `depth` frames below it."""
    if depth > 0:
        at_depth(depth - 1, pattern, steps)
    else:
        pattern(steps)


def lowest_ns(pattern: Callable[[int], None], depth: int, times: int) -> float:
    """Nanoseconds a step: the lowest of `times` runs."""
    best = float("inf")
    for _ in range(times):
        start = time.thread_time_ns()
        at_depth(depth - 2, pattern, STEPS)
        best = min(best, (time.thread_time_ns() - start) / STEPS)
    return best


def measure(times: int) -> dict[tuple[str, int], float]:
    return {
        (pattern.__name__, depth): lowest_ns(pattern, depth, times)
        for pattern in PATTERNS
        for depth in DEPTHS
    }


def here(times: int) -> None:
    """Measure in this process and print the table."""
    from heapscope import _tracker

    sys.setrecursionlimit(max(DEPTHS) + 1_000)
    before = measure(times)
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        _tracker.start(os.path.join(directory, "micro.hscope"))
        tracked = measure(times)
        _tracker.stop()
    after = measure(times)
    rows = []
    for (pattern, depth), base in before.items():
        key = (pattern, depth)
        added, left = tracked[key] - base, after[key] - base
        rows.append(
            [pattern.replace("_", " "), str(depth), f"{base:.1f}", f"{added:+.1f}", f"{left:+.1f}"]
        )
    print(markdown(["pattern", "depth", "untracked, ns", "tracked", "after stop"], rows))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Nanoseconds added to an allocation and its free.")
    parser.add_argument("--python", default=sys.executable, help="interpreter to measure with")
    parser.add_argument("--no-install", dest="install", action="store_false")
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--here", action="store_true", help="measure in this very process")
    options = parser.parse_args(arguments)
    if options.here:
        here(options.times)
        return 0
    programs = environment.programs(options.python, install=options.install)
    command = [str(programs / "python"), __file__, "--here", "--times", str(options.times)]
    return subprocess.run(command, env=environment.clean_variables(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

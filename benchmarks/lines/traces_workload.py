"""Live blocks, a snapshot of them and its statistics; the costs as JSON on stderr.

Arguments: the module (none, tracemalloc or heapscope), frames, and thousands of blocks.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time


def fill(count: int) -> list[object]:
    """Three blocks a turn, from a dozen lines, some of them freed again."""
    kept: list[object] = []
    for number in range(count // 3):
        kind = number % 4
        if kind == 0:
            kept.append((f"name {number}", [number, None]))
        elif kind == 1:
            kept.append({f"key {number}": number})
        elif kind == 2:
            kept.append([float(number), b"x" * (number % 300)])
        else:
            kept.append((str(number) * 3, {number}))
    return kept


def deep(depth: int, count: int) -> list[object]:
    """The same below some calls, as programs are."""
    return deep(depth - 1, count) if depth else fill(count)


name, frames, thousands = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tracer = None if name == "none" else importlib.import_module(name)
costs: dict[str, float] = {}


def step(label: str, begun: float) -> None:
    """Note the processor's seconds since, and the highest RSS so far."""
    costs[f"{label}_s"] = time.process_time() - begun
    costs[f"{label}_rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if tracer is not None:
    tracer.start(frames)
begun = time.process_time()
held = deep(20, thousands * 1000)
step("fill", begun)
if tracer is not None:
    costs["bytes"], _ = tracer.get_traced_memory()
    begun = time.process_time()
    snapshot = tracer.take_snapshot()
    step("take", begun)
    begun = time.process_time()
    statistics = snapshot.statistics("lineno")
    step("statistics", begun)
    costs["blocks"] = sum(each.count for each in statistics)
sys.stderr.write(json.dumps(costs))

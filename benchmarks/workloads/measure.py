"""Runs one workload and records what its work cost.

Every workload is a script with ``setup()`` (imports and warm-up, not measured) and
``work(rounds)`` (measured), and ends with ``measure.run(setup, work, ROUNDS)``. It prints nothing.
The environment says:

BENCH_RECORD   path of the JSON record to write; nothing is written without it
BENCH_SCALE    factor on the rounds, 1 by default; never fewer than one round
BENCH_CAPTURE  path of a capture that a profiler is writing: its size after the work is recorded

The record holds ``cpu_s`` (user and system time of all threads during the work), ``wall_s``,
``peak_rss_bytes`` (VmHWM of the process after the work: resident pages of a file that is mapped
count too), ``setup_peak_rss_bytes`` (the same before the work), ``details`` (figures that the work
itself returned) and, where there is one, ``capture_bytes``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping


def peak_rss_bytes() -> int:
    """Highest resident size of this process so far, in bytes (Linux's VmHWM)."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM: the benchmarks need Linux")


def scaled(rounds: int, scale: float) -> int:
    """`rounds` times `scale`, at least 1."""
    return max(1, round(rounds * scale))


def run(
    setup: Callable[[], None],
    work: Callable[[int], Mapping[str, float] | None],
    rounds: int,
) -> None:
    """Do `work` once after `setup` and write the record that the environment asks for."""
    count = scaled(rounds, float(os.environ.get("BENCH_SCALE", "1")))
    setup()
    setup_peak = peak_rss_bytes()
    wall_start = time.perf_counter()
    cpu_start = time.process_time()
    details = work(count)
    cpu_end = time.process_time()
    wall_end = time.perf_counter()
    record = {
        "cpu_s": cpu_end - cpu_start,
        "wall_s": wall_end - wall_start,
        "peak_rss_bytes": peak_rss_bytes(),
        "setup_peak_rss_bytes": setup_peak,
        "details": dict(details) if details else {},
    }
    capture = os.environ.get("BENCH_CAPTURE")
    if capture and os.path.isfile(capture):
        record["capture_bytes"] = os.stat(capture).st_blocks * 512
    path = os.environ.get("BENCH_RECORD")
    if path:
        import json

        with open(path, "w", encoding="utf-8") as file:
            json.dump(record, file)

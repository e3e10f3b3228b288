"""What `timeline.py` measures: work, rest, or a short spike at a moment that nobody knows.

``python timeline_workload.py work|rest|spike|lower-spike SECONDS``; a spike tells on stderr when it
was and what RSS was before it.
"""

from __future__ import annotations

import sys
import time

SPIKE_MIB = 60
SPIKE_S = 0.020


def work(seconds: float) -> None:
    """A fixed amount of work, about so long, that allocates and frees."""
    for _ in range(int(seconds * 300)):
        held = [{"number": number, "text": str(number)} for number in range(12_000)]
        del held


def spike(seconds: float, earlier_mib: int) -> None:
    earlier = bytearray(earlier_mib << 20)
    time.sleep(seconds / 4)
    del earlier
    time.sleep(seconds / 2)
    with open("/proc/self/statm", "rb") as file:
        before = int(file.read().split()[1]) * 4096 / 1048576
    start = time.time()
    held = bytearray(SPIKE_MIB << 20)
    end = time.time()
    time.sleep(max(SPIKE_S - (end - start), 0.0))
    del held
    print("SPIKE", start, time.time(), before, file=sys.stderr)
    time.sleep(seconds / 4)


if __name__ == "__main__":
    kind, length = sys.argv[1], float(sys.argv[2])
    if kind == "work":
        work(length)
    elif kind == "rest":
        time.sleep(length)
    else:
        spike(length, 150 if kind == "lower-spike" else 0)

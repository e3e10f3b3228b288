"""Containers that grow, and such that do not, in a process that holds nothing else.

Prints as JSON what `assert_no_growth` says of each. A look at the heap of pytest takes ten times as
long, and there other threads make objects meanwhile.
"""

from __future__ import annotations

import array
import collections
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import heapscope

ROUNDS = 4
HELD: dict[str, Any] = {}


def made_here() -> list[int]:
    return list(range(7))


def appends() -> None:
    HELD["log"].append(1)


def adds_to_a_set() -> None:
    HELD.setdefault("seen", set()).add(len(HELD["seen"]) if "seen" in HELD else 0)


def counts() -> None:
    counter = HELD.setdefault("counter", {})
    counter[len(counter)] = 0


def queues() -> None:
    HELD.setdefault("queue", collections.deque()).append(None)


def fills_a_buffer() -> None:
    HELD.setdefault("buffer", bytearray()).extend(bytes(1000))


def fills_an_array() -> None:
    HELD.setdefault("array", array.array("q")).extend(range(1000))


def makes_objects() -> None:
    HELD["log"].append(object())


def within_a_bound() -> None:
    log = HELD["log"]
    log.append(1)
    if len(log) > 9:
        del log[:8]


def refills() -> None:
    HELD["log"][:] = []
    HELD["log"].extend([1] * 100)


def resizes_once() -> None:
    log = HELD["log"]
    if len(log) < 10:
        log.extend([1] * 50)


def drops_and_adds() -> None:
    counter = HELD.setdefault("counter", dict.fromkeys(range(20), 0))
    first = next(iter(counter))
    del counter[first]
    counter[(first + 20) % 50] = 0


def turns_a_queue() -> None:
    queue = HELD.setdefault("queue", collections.deque(range(5), maxlen=5))
    queue.append(1)


LEAKS = (appends, adds_to_a_set, counts, queues, fills_a_buffer, fills_an_array)
HEALTHY = (within_a_bound, refills, resizes_once, drops_and_adds, turns_a_queue)


def fresh() -> None:
    HELD.clear()
    HELD["log"] = made_here()


def failure(
    body: Callable[[], None], rounds: int = ROUNDS, **options: Any
) -> dict[str, Any] | None:
    """What the check says, None where it passes."""
    try:
        heapscope.assert_no_growth(body, rounds=rounds, **options)
    except heapscope.GrowthError as error:
        rows = [{key: getattr(row, key) for key in type(row).__slots__} for row in error.leaks]
        sizes = {f"HELD['{name}']": heapscope.sizeof(held) for name, held in HELD.items()}
        return {"rows": rows, "text": str(error), "sizes": sizes}
    return None


def main() -> None:
    told: dict[str, Any] = {"healthy": {}, "leaks": {}, "ignored": {}}
    for body in HEALTHY:
        fresh()
        told["healthy"][body.__name__] = failure(body)
    for body in (*LEAKS, makes_objects):
        fresh()
        found = told["leaks"][body.__name__] = failure(body)
        kinds = [row["type"] for row in found["rows"]] if found else []
        told["ignored"][body.__name__] = failure(body, rounds=2, ignore=kinds)
    with tempfile.TemporaryDirectory() as folder, heapscope.track(Path(folder) / "x.hscope"):
        fresh()
        told["tracked"] = failure(appends)
    print(json.dumps(told))


if __name__ == "__main__":
    main()

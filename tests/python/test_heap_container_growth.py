"""`assert_no_growth` sees containers that get longer, though they hold nothing that is new."""

from __future__ import annotations

import array
import collections
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import heapscope

HELD: dict[str, Any] = {}
ROUNDS = 4


@pytest.fixture(autouse=True)
def empty() -> None:
    HELD.clear()
    HELD["log"] = made_here()


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


LEAKS: dict[Callable[[], None], tuple[str, str, int]] = {
    appends: ("list", "log", ROUNDS),
    adds_to_a_set: ("set", "seen", ROUNDS),
    counts: ("dict", "counter", ROUNDS),
    queues: ("collections.deque", "queue", ROUNDS),
    fills_a_buffer: ("bytearray", "buffer", 0),
    fills_an_array: ("array.array", "array", 0),
}


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_a_container_that_is_longer_after_each_round_fails_the_test(
    leak: Callable[[], None],
) -> None:
    kind, name, items = LEAKS[leak]
    with pytest.raises(heapscope.GrowthError) as raised:
        heapscope.assert_no_growth(leak, rounds=ROUNDS)
    [row] = raised.value.leaks
    assert (row.type, row.objects, row.items) == (kind, 1, items)
    assert row.held_by.endswith(f"HELD['{name}']")
    assert row.bytes >= 0
    assert row.freed_bytes >= heapscope.sizeof(HELD[name])
    text = str(raised.value)
    assert text.startswith(f"memory grows: {kind} got longer in each of {ROUNDS} rounds\n")
    assert row.held_by in text
    heapscope.assert_no_growth(leak, rounds=2, ignore=[kind])


def test_the_failure_names_the_line_that_made_the_container(tmp_path: Path) -> None:
    with heapscope.track(tmp_path / "x.hscope"):
        HELD["log"] = made_here()
        with pytest.raises(heapscope.GrowthError) as raised:
            heapscope.assert_no_growth(appends, rounds=ROUNDS)
    [row] = raised.value.leaks
    assert row.type == "list"
    line = made_here.__code__.co_firstlineno + 1
    assert row.allocated_at == f"{__file__}:{line} made_here"


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


@pytest.mark.parametrize(
    "healthy", [within_a_bound, refills, resizes_once, drops_and_adds, turns_a_queue]
)
def test_a_container_within_a_bound_passes(healthy: Callable[[], None]) -> None:
    heapscope.assert_no_growth(healthy, rounds=ROUNDS)


def test_a_container_of_new_objects_is_told_by_the_objects() -> None:
    def leak() -> None:
        HELD["log"].append(object())

    with pytest.raises(heapscope.GrowthError) as raised:
        heapscope.assert_no_growth(leak, rounds=2)
    assert [row.type for row in raised.value.leaks] == ["object"]
    heapscope.assert_no_growth(leak, rounds=2, ignore=["object"])


FIRST = """
import heapscope
LOG = []
heapscope.assert_no_growth(lambda: LOG[:], rounds=2)
try:
    heapscope.assert_no_growth(lambda: LOG.append(1), rounds=2)
except heapscope.GrowthError as error:
    print(error)
"""


def test_what_heapscope_loads_for_its_first_look_is_no_growth() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST], check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines() == [
        "memory grows: list got longer in each of 2 rounds",
        *(
            line
            for line in done.stdout.splitlines()[1:]
            if line.startswith("  1 list grew by 2 items")
        ),
    ]
    assert done.stdout.count("\n") == 2

"""`assert_no_growth` sees containers that get longer, though they hold nothing that is new."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import growing_containers as program
import pytest


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What growing_containers.py printed."""
    done = subprocess.run(
        [sys.executable, program.__file__], check=True, capture_output=True, text=True, timeout=240
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


LEAKS = {
    "appends": ("list", "log", program.ROUNDS),
    "adds_to_a_set": ("set", "seen", program.ROUNDS),
    "counts": ("dict", "counter", program.ROUNDS),
    "queues": ("collections.deque", "queue", program.ROUNDS),
    "fills_a_buffer": ("bytearray", "buffer", 0),
    "fills_an_array": ("array.array", "array", 0),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_container_that_is_longer_after_each_round_fails_the_test(
    told: dict[str, Any], leak: str
) -> None:
    kind, name, items = LEAKS[leak]
    found = told["leaks"][leak]
    [row] = found["rows"]
    assert (row["type"], row["objects"], row["items"]) == (kind, 1, items)
    assert row["held_by"].endswith(f"HELD['{name}']")
    assert row["bytes"] >= 0
    assert row["freed_bytes"] >= found["sizes"][f"HELD['{name}']"]
    rounds = program.ROUNDS
    assert found["text"].startswith(f"memory grows: {kind} got longer in each of {rounds} rounds\n")
    assert row["held_by"] in found["text"]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_kind_that_may_grow_passes(told: dict[str, Any], leak: str) -> None:
    assert told["ignored"][leak] is None


def test_the_failure_names_the_line_that_made_the_container(told: dict[str, Any]) -> None:
    [row] = told["tracked"]["rows"]
    assert row["type"] == "list"
    line = program.made_here.__code__.co_firstlineno + 1
    assert row["allocated_at"] == f"{program.__file__}:{line} made_here"


@pytest.mark.parametrize("healthy", [body.__name__ for body in program.HEALTHY])
def test_a_container_within_a_bound_passes(told: dict[str, Any], healthy: str) -> None:
    assert told["healthy"][healthy] is None


def test_a_container_of_new_objects_is_told_by_the_objects(told: dict[str, Any]) -> None:
    assert [row["type"] for row in told["leaks"]["makes_objects"]["rows"]] == ["object"]
    assert told["ignored"]["makes_objects"] is None


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


TEXTS = """
import heapscope

HELD = {"text": ["x" * 1000]}

def lengthens():
    HELD["text"][0] += "x" * 100_000

def replaces():
    HELD["text"][0] = "x" * 100_000 + str(len(HELD))

try:
    heapscope.assert_no_growth(lengthens, rounds=4)
except heapscope.GrowthError as error:
    [leak] = error.leaks
    print(leak.type, leak.bytes, leak.held_by)
heapscope.assert_no_growth(replaces, rounds=4)
print("none")
"""


def test_a_text_that_is_replaced_by_a_longer_one_in_each_round_is_growth() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TEXTS], check=True, capture_output=True, text=True, timeout=240
    )
    grown, none = done.stdout.splitlines()
    assert grown.startswith("str 400000 __main__.HELD[")
    assert none == "none"  # one that is replaced by a text as long

"""Objects and who allocated them, end to end: real programs, really recorded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import heapscope
from heapscope.browse.places import at_object
from heapscope.cli.main import main

MAKERS = """\
class Lesson:
    def __init__(self, number):
        self.title = "lesson %d" % (number + 1000)  # TITLES

class Room:
    __slots__ = ("name",)

def lessons(count):
    return [Lesson(number) for number in range(count)]  # LESSONS

def blobs(count):
    made = []
    for number in range(count):
        blob = bytes(1000 + number)  # BLOBS
        made.append(blob)
    return made

def rooms(count):
    made = []
    for number in range(count):
        room = Room()  # ROOMS
        made.append(room)
    return made

def functions(count):
    return [lambda number=number: number for number in range(count)]  # FUNCTIONS

def generators(count):
    def walk():
        yield 1
    return [walk() for number in range(count)]  # GENERATORS

def lists(count):
    return [[number] for number in range(count)]  # more than CPython keeps blocks for

def work():
    LIVE["LESSONS"] = lessons(300)
    LIVE["TITLES"] = [lesson.title for lesson in LIVE["LESSONS"]]
    LIVE["BLOBS"] = blobs(200)
    LIVE["ROOMS"] = rooms(300)
    LIVE["FUNCTIONS"] = functions(100)
    LIVE["GENERATORS"] = generators(100)
    LIVE["LISTS"] = lists(300)

LIVE = {}
"""

RECORDED = (
    MAKERS
    + """
import json, sys
work()
with open(sys.argv[1], "w") as out:
    json.dump({name: [id(each) for each in made] for name, made in LIVE.items()}, out)
"""
)

TRACKED = (
    MAKERS
    + """
import json, sys
import heapscope
before = work
with heapscope.track(sys.argv[2]):
    work()
    taken = heapscope.heap()
taken.save(sys.argv[3])
with open(sys.argv[1], "w") as out:
    json.dump({name: [id(each) for each in made] for name, made in LIVE.items()}, out)
"""
)


class Made:
    """A snapshot of a program, what it made, and the capture of its run."""

    def __init__(self, directory: Path, *, track: bool) -> None:
        self.program = directory / "program.py"
        self.program.write_text(TRACKED if track else RECORDED)
        addresses = directory / "made.json"
        self.capture = directory / "run.hscope"
        snapshot = directory / "run.exit.hsnap"
        command = [sys.executable, self.program, addresses, self.capture, snapshot]
        if not track:
            command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", self.capture]
            command += ["--at-exit", self.program, addresses]
        subprocess.run([str(word) for word in command], check=True, timeout=240)
        self.snapshot = snapshot
        self.heap = heapscope.Heap.load(snapshot)
        self.addresses: dict[str, list[int]] = json.loads(addresses.read_text())

    def line_of(self, name: str) -> int:
        lines = self.program.read_text().splitlines()
        return next(at for at, line in enumerate(lines, 1) if line.endswith(f"# {name}"))

    def births_of(self, name: str) -> list[dict[str, Any]]:
        ids = self.heap.graph.at_addresses(self.addresses[name])
        assert all(ids)
        return [self.heap.graph.object(each)["birth"] for each in ids]


@pytest.fixture(scope="module", params=["run", "track"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp(request.param), track=request.param == "track")


NAMES = ("LESSONS", "TITLES", "BLOBS", "ROOMS", "FUNCTIONS", "GENERATORS")


def test_every_object_knows_the_line_that_allocated_it(made: Made) -> None:
    makers = {"TITLES": "__init__"}
    for name in NAMES:
        line = made.line_of(name)
        for birth in made.births_of(name):
            leaf = birth["stack"][-1]
            assert (leaf["file"], leaf["line"]) == (str(made.program), line), name
            functions = [frame["function"] for frame in birth["stack"]]
            assert functions[0] == "<module>"
            assert functions[1] == "work"
            assert functions[2] == ("lessons" if name == "TITLES" else name.lower())
            assert makers.get(name, name.lower()) in functions[-1] or "comp>" in functions[-1]


def test_ages_are_in_the_order_of_allocation(made: Made) -> None:
    last = 0.0
    recorded = int(made.heap.info["recorded_ns"]) / 1e9
    for name in NAMES:
        if name == "TITLES":
            continue  # while the lessons were made
        times = [birth["time_s"] for birth in made.births_of(name)]
        assert times == sorted(times)
        assert last <= times[0]
        assert times[-1] <= recorded
        last = times[-1]


def test_where_blocks_are_used_again_the_line_is_said_to_be_that_of_the_block(made: Made) -> None:
    graph = made.heap.graph
    for name in NAMES:
        assert not any(birth["of_block"] for birth in made.births_of(name))
    assert made.births_of("LISTS")[-1]["of_block"]
    [room, *_] = graph.at_addresses(made.addresses["ROOMS"])
    [*_, last] = graph.at_addresses(made.addresses["LISTS"])
    assert at_object(made.heap, last).title[2].startswith("its block was allocated at ")
    assert at_object(made.heap, room).title[2].startswith("allocated at ")


def test_sites_sum_to_the_heap(made: Made) -> None:
    rows = made.heap.by_allocation_site.rows
    assert sum(row.count for row in rows) == made.heap.count
    assert sum(row.size for row in rows) == made.heap.size
    sites = {row.kind: row for row in rows}
    for name, function in (("ROOMS", "rooms"), ("BLOBS", "blobs")):
        row = sites[f"{made.program}:{made.line_of(name)} ({function})"]
        own = made.heap.at(made.addresses[name], [name] * len(made.addresses[name]))
        # Of the line's other objects none but numbers are alive.
        assert own <= row.set
        assert row.size - own.size < 200


def test_a_line_holds_in_the_snapshot_what_it_does_in_the_capture(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["table", str(made.capture), "--group-by", "line", "--json", "-q"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    for name in ("BLOBS", "ROOMS"):
        line = made.line_of(name)
        (row,) = (
            each for each in rows if each["file"] == str(made.program) and each["line"] == line
        )
        own = made.heap.at(made.addresses[name], [name] * len(made.addresses[name]))
        assert abs(row["live_bytes"] - own.size) < 200


LEAK = """\
import json, sys
import heapscope

class Lesson:
    def __init__(self, number):
        self.title = "lesson %d" % number

CACHE = dict.fromkeys(range(300))

def handle(numbers):
    for number in numbers:
        CACHE[number] = Lesson(number)  # LEAK
    return [Lesson(number) for number in numbers]

heapscope.start()
handle(range(70))  # from the 30th on the instances of a class are made alike
tracker = heapscope.HeapTracker()
used = handle(range(100, 150))
tracker.snapshot()
used = handle(range(200, 290))
tracker.snapshot()
report = tracker.growth()
rows = [row.as_dict() for row in report]
text = repr(report)
def release():
    spare = [{1: 1} for _ in range(200)]
    del spare  # free lists of 3.10 are full, and keep no dict of a lesson
    before = heapscope.get_traced_memory()[0]
    for number in range(100, 150):
        CACHE[number] = None
    return before - heapscope.get_traced_memory()[0]

freed = release()
heapscope.stop()
print(json.dumps({"rows": rows, "text": text, "freed": freed}))
"""


def test_a_leak_is_one_row_with_its_line_its_holder_and_what_it_would_free(tmp_path: Path) -> None:
    program = tmp_path / "leak.py"
    program.write_text(LEAK)
    done = subprocess.run(
        [sys.executable, str(program)], check=True, capture_output=True, text=True, timeout=240
    )
    told = json.loads(done.stdout)
    (row,) = told["rows"]
    lines = LEAK.splitlines()
    line = next(at for at, text in enumerate(lines, 1) if text.endswith("# LEAK"))
    assert row["type"] == "__main__.Lesson"
    assert row["objects"] == 50
    assert not row["of_block"]
    assert row["allocated_at"] == f"{program}:{line} handle"
    assert [frame["function"] for frame in row["stack"]] == ["<module>", "handle"]
    assert "CACHE" in row["held_by"]
    # The number that was asked for is allocated meanwhile.
    assert 0 <= row["freed_bytes"] - told["freed"] < 64
    assert f"{program}:{line} handle" in told["text"]
    assert told["text"].count("__main__.Lesson") == 1

"""Which objects of two snapshots are the same: an address that is used again is another object."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import heapscope

# One address, one type, one content, again and again; the walks are all that lies between.
SAME_ADDRESS = """
import json, sys
from heapscope import _analysis, _tracker
import heapscope

class Lesson:
    __slots__ = ("title",)
    def __init__(self):
        self.title = "the same"

def look():
    return _analysis.HeapGraph.from_walk(_tracker.heap_walk().sections())

def identity(graph, address):
    return graph.at_addresses([address])[0]

heapscope.start(sys.argv[1])
kept = Lesson()
box = [Lesson()]
found = dict.fromkeys(
    ["reused", "replaced is new", "replaced is gone", "kept", "stayed", "proven"], 0
)
ROUNDS = 50
for _ in range(ROUNDS):
    # Born right before a snapshot, in the place of one that was born right before.
    box[0] = None
    box[0] = Lesson()
    former = id(box[0])
    first = _tracker.heap_walk()
    # And replaced right after it.
    box[0] = None
    box[0] = Lesson()
    later = id(box[0])
    second = _tracker.heap_walk()
    # And left alone.
    third = _tracker.heap_walk()
    first, second, third = (
        _analysis.HeapGraph.from_walk(each.sections()) for each in (first, second, third)
    )
    change = second.compare(first)
    found["reused"] += former == later
    found["replaced is new"] += identity(second, later) in change["new"]
    found["replaced is gone"] += identity(first, former) in change["gone"]
    found["kept"] += identity(second, id(kept)) in change["kept"]
    found["proven"] += identity(second, id(kept)) not in change["unproven"]
    found["stayed"] += identity(third, later) in third.compare(second)["kept"]
    assert change["identity"] == "birth"
heapscope.stop()
print(json.dumps([ROUNDS, found]))
"""


def run(program: str, *arguments: str | Path) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=240).stdout


def test_with_tracking_a_twin_at_the_same_address_is_another_object(tmp_path: Path) -> None:
    rounds, found = json.loads(run(SAME_ADDRESS, tmp_path / "x.hscope"))
    assert found.pop("reused") > rounds // 2, "the allocator gave out other addresses"
    assert set(found.values()) == {rounds}, found


RECORDINGS = """
import json, sys
import heapscope

class Lesson:
    pass

early = [Lesson() for _ in range(100)]
before = heapscope.heap()
with heapscope.track(sys.argv[1]):
    del early[50:]
    early += [Lesson() for _ in range(50)]
    within = heapscope.heap()
    new = within.relative_to(before)
with heapscope.track(sys.argv[2]):
    again = heapscope.heap()
told = again.graph.compare(within.graph)
print(json.dumps([new["Lesson"].count, told["identity"], within.info["recording_began_ns"]
    != again.info["recording_began_ns"]]))
"""


def test_what_a_recording_saw_is_newer_than_a_snapshot_from_before_it(tmp_path: Path) -> None:
    told = json.loads(run(RECORDINGS, tmp_path / "a.hscope", tmp_path / "b.hscope"))
    assert told == [50, "address", True]


def test_births_are_times_in_their_order(tmp_path: Path) -> None:
    kept = []
    moments = []
    with heapscope.track(tmp_path / "x.hscope"):
        for _ in range(5):
            kept.append([object() for _ in range(20)])
            moments.append(heapscope.heap())
    taken = moments[-1]
    births = [
        [taken.graph.object(each)["birth"]["time_s"] for each in taken.ids_of(objects)]
        for objects in kept
    ]
    assert all(len(each) == 20 for each in births)
    for index, moment in enumerate(moments):
        at = int(moment.info["recorded_ns"]) / 1e9
        assert max(births[index]) <= at
        for later in births[index + 1 :]:
            assert max(births[index]) < min(later), "a snapshot lies between"
            assert min(later) >= at

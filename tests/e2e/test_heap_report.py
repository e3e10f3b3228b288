"""The HTML report of heap snapshots: its figures are the snapshot's, and its size has a bound."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from heapscope import Heap, _analysis
from heapscope.cli.main import main
from heapscope.report.heap_data import MOST_OBJECTS

pytestmark = pytest.mark.one_version

PROGRAM = """\
import sys
from heapscope import _tracker

class Lesson:
    def __init__(self, number):
        self.title = f"lesson {number}"
        self.raw = bytearray(1000)

CACHE = {number: Lesson(number) for number in range(200)}
_tracker.heap_write(sys.argv[1])
CACHE.update((number, Lesson(number)) for number in range(1000, 1300))
_tracker.heap_write(sys.argv[2])
CACHE["many"] = [(str(number), number / 7) for number in range(40_000)]
_tracker.heap_write(sys.argv[3])
"""


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("heap")
    program = directory / "lessons.py"
    program.write_text(PROGRAM)
    paths = [directory / f"{name}.hsnap" for name in ("before", "after", "large")]
    capture = directory / "run.hscope"
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", capture, program, *paths]
    subprocess.run([str(word) for word in command], check=True, timeout=120)
    return paths


def report(*inputs: Path, output: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest of a report, and the heap in it."""
    assert main(["report", *map(str, inputs), "-o", str(output), "-q"]) == 0
    found = re.search(r'id="?heapscope-manifest"?[^>]*>(.*?)</script>', output.read_text())
    assert found is not None
    manifest = json.loads(found[1])
    packed = base64.b64decode(manifest["heap"])
    return manifest, json.loads(zlib.decompress(packed, -zlib.MAX_WBITS))


def test_types_and_branches_sum_to_the_heap(snapshots: list[Path], tmp_path: Path) -> None:
    manifest, heap = report(snapshots[0], output=tmp_path / "a.html")
    ours = _analysis.HeapGraph(snapshots[0])
    assert manifest["kind"] == "heap"
    assert (heap["objects"], heap["total_bytes"]) == (ours.object_count, ours.total_bytes)
    shallow = sum(row["shallow_bytes"] for row in heap["types"])
    assert shallow + heap["other_types"]["shallow_bytes"] == heap["all_bytes"]
    top = heap["branches"][0]
    below = sum(branch[2] for branch in heap["branches"][1:] if branch[1] == 0)
    assert below + top[5] == top[2] == heap["all_bytes"]
    lesson = next(row for row in heap["types"] if row["type"] == "__main__.Lesson")
    theirs = {row["type"]: row for row in ours.retained_by_type()}["__main__.Lesson"]
    assert {key: lesson[key] for key in theirs} == theirs
    assert lesson["count"] == 200


def test_the_report_says_what_of_its_figures_is_heapscopes_own(
    snapshots: list[Path], tmp_path: Path
) -> None:
    _, heap = report(snapshots[0], output=tmp_path / "a.html")
    program = Heap.load(snapshots[0])
    assert heap["own"] == {"objects": program.own.count, "bytes": program.own.size}
    assert heap["own"]["objects"] > 0
    garbage = program.unreachable
    assert heap["objects"] == program.count + program.own.count + garbage.count
    assert heap["total_bytes"] == program.size + program.own.size + garbage.size


def test_an_object_has_its_path_and_who_refers_to_it(snapshots: list[Path], tmp_path: Path) -> None:
    _, heap = report(snapshots[0], output=tmp_path / "a.html")
    lesson = next(row for row in heap["types"] if row["type"] == "__main__.Lesson")
    told = heap["listed"][str(lesson["objects"][0])]
    assert re.fullmatch(r"sys\.modules\['__main__'\]\.CACHE\[\d+\]", told["path"])
    assert [row[2] for row in told["referrers"]["rows"]] == ["dict"]
    assert {".title", ".raw"} <= {row[0] for row in told["references"]["rows"]}
    (pattern, *_) = heap["merged"]["__main__.Lesson"]
    assert pattern["count"] == 200
    assert pattern["pattern"].startswith("sys.modules['__main__'].CACHE[")


def test_lines_that_allocated_have_what_lives_of_it(snapshots: list[Path], tmp_path: Path) -> None:
    _, heap = report(snapshots[1], output=tmp_path / "a.html")
    program = snapshots[0].with_name("lessons.py")
    line = 1 + PROGRAM.splitlines().index("        self.raw = bytearray(1000)")
    sites = {row["site"]: row for row in heap["sites"]["rows"]}
    raw = sites[f"{program}:{line} (Lesson.__init__)"]
    assert raw["types"] == [["bytearray", 500, raw["bytes"]]]
    assert raw["count"] == 500
    assert raw["bytes"] == raw["retained_bytes"] >= 500 * 1001
    assert raw["objects"], "the largest are named"
    for each in filter(heap["listed"].get, map(str, raw["objects"])):
        frame = heap["stacks"][heap["listed"][each]["born"]][-1]
        assert frame == ["Lesson.__init__", str(program), line]
    everything = sum(row["bytes"] for row in heap["sites"]["rows"])
    assert everything + heap["sites"]["left_out_bytes"] == heap["all_bytes"] + _garbage(heap)


def _garbage(heap: dict[str, Any]) -> int:
    found: int = heap["garbage"]["bytes"]
    return found


def test_from_sys_modules_a_module_of_the_program_is_reached(
    snapshots: list[Path], tmp_path: Path
) -> None:
    _, heap = report(snapshots[0], output=tmp_path / "a.html")
    (root,) = [root for root in heap["roots"] if root["kind"] == "modules"]
    (modules,) = [heap["listed"][str(row[1])] for row in root["references"]]
    (main_module,) = [row for row in modules["references"]["rows"] if row[0] == "['__main__']"]
    namespaces = heap["listed"][str(main_module[1])]["references"]["rows"]
    (namespace,) = [row for row in namespaces if row[0] == ".__dict__"]
    names = heap["listed"][str(namespace[1])]["references"]["rows"]
    assert "['CACHE']" in [row[0] for row in names]
    # The heaviest come first, and a key that names its value is no reference of its own.
    retained = [row[4] for row in names]
    assert retained == sorted(retained, reverse=True)
    assert not [row for row in names if "keys()" in row[0]]


def test_two_snapshots_are_compared_by_type_and_object(
    snapshots: list[Path], tmp_path: Path
) -> None:
    _, heap = report(*snapshots[:2], output=tmp_path / "b.html")
    row = next(row for row in heap["comparison"]["rows"] if row["type"] == "__main__.Lesson")
    assert row["count"] == [200, 500]
    assert (row["new"], row["gone"]) == (300, 0)
    changes = sum(row["shallow_bytes"][1] - row["shallow_bytes"][0]
                  for row in heap["comparison"]["rows"])  # fmt: skip
    before, after = map(_analysis.HeapGraph, snapshots[:2])
    assert changes == after.report_data()["branches"][0][2] - before.report_data()["branches"][0][2]
    lesson = next(row for row in heap["types"] if row["type"] == "__main__.Lesson")
    assert lesson["base"]["count"] == 200


def test_the_size_of_a_report_does_not_grow_with_the_heap(
    snapshots: list[Path], tmp_path: Path
) -> None:
    _, heap = report(snapshots[2], output=tmp_path / "large.html")
    assert heap["objects"] > 120_000
    assert len(heap["listed"]) <= MOST_OBJECTS
    small, large = tmp_path / "small.html", tmp_path / "large.html"
    report(snapshots[0], output=small)
    assert large.stat().st_size < 2 * small.stat().st_size
    left_out = sum(branch[4] for branch in heap["branches"])
    assert left_out > 30_000, "what is not in it is counted"
    for branch in heap["branches"]:
        assert sum(kind[1] for kind in branch[7]) <= branch[4]
        assert sum(kind[2] for kind in branch[7]) <= branch[5]
    (many,) = [row for branch in heap["branches"] for row in branch[7] if row[1] > 30_000]
    assert many[0] == "tuple", "what is left out is told by type"


def test_a_capture_and_a_snapshot_of_its_run_make_one_report(
    snapshots: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = snapshots[0].with_name("run.hscope")
    manifest, heap = report(capture, snapshots[1], output=tmp_path / "both.html")
    assert manifest["kind"] == "run"
    assert manifest["summary"]["peak_bytes"] > 0
    assert heap["objects"] == _analysis.HeapGraph(snapshots[1]).object_count
    assert main(["report", str(snapshots[0]), "-o", str(snapshots[0]), "--force"]) == 2
    assert "capture" in capsys.readouterr().err


def test_allocated_at_is_the_line_of_the_recorded_program(
    snapshots: list[Path], tmp_path: Path
) -> None:
    _, heap = report(snapshots[0], output=tmp_path / "a.html")
    program = snapshots[0].with_name("lessons.py")
    lines = PROGRAM.splitlines()
    title, raw, cache = (
        next(at for at, text in enumerate(lines, 1) if start in text)
        for start in ("self.title", "self.raw", "CACHE =")
    )
    sites = {row["site"].split(" ")[0]: row for row in heap["sites"]["rows"]}
    assert [200, "bytearray"] in [
        [count, kind] for kind, count, _ in sites[f"{program}:{raw}"]["types"]
    ]
    shown = sum(row["bytes"] for row in heap["sites"]["rows"])
    assert shown + heap["sites"]["left_out_bytes"] == heap["all_bytes"]
    lesson = next(row for row in heap["types"] if row["type"] == "__main__.Lesson")
    for each in lesson["objects"]:
        told = heap["listed"][str(each)]
        assert heap["stacks"][told["born"]][-1][1:] == [str(program), cache]
        for name, line in ((".title", title), (".raw", raw)):
            (child,) = (row for row in told["references"]["rows"] if row[0] == name)
            born = heap["listed"].get(str(child[1]), {}).get("born")
            assert born is None or heap["stacks"][born][-1][2] == line

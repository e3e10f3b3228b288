"""Programs for tracemalloc see the same answers, asked of the live table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ground_truth import PROGRAMS

# Of CPython's own tests: those that fail with heapscope in tracemalloc's place; docs/tracemalloc.md
# says why.
ON_PURPOSE = {
    "TestSnapshot.test_create_snapshot",
    "TestTracemallocEnabled.test_fork",
    "TestTracemallocEnabled.test_new_reference",
    "TestTracemallocEnabled.test_snapshot",
}


def run(*arguments: str | Path, **options: Any) -> str:
    ended = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )
    assert (ended.stderr, ended.returncode) == ("", 0)
    return ended.stdout


@pytest.mark.parametrize(
    "seed",
    [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.one_version) for seed in range(3, 9))],
)
def test_random_programs_get_the_same_answers_from_both(seed: int) -> None:
    """Statistics, comparisons, filters, objects, live bytes and peak, to the byte."""
    (blocks,) = run(PROGRAMS / "beside_traces.py", str(seed)).splitlines()
    assert int(blocks) > 20


def test_cpythons_own_tests_pass_but_for_what_differs_on_purpose(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, PROGRAMS / "cpython_tracemalloc.py"],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=tmp_path,
    )
    verdicts = json.loads(ended.stdout.splitlines()[-1])
    failed = {name for name, verdict in verdicts.items() if verdict == "failed"}
    assert failed == ON_PURPOSE, ended.stderr
    assert list(verdicts.values()).count("passed") > 40


EXAMPLES = {
    "the_ten_lines_with_the_most": """
        tracemalloc.start()
        words = list(map(bytes, range(1000, 1500)))
        rows = {b"b" * 2000, b"c" * 30_000}
        snapshot = tracemalloc.take_snapshot()
        own = snapshot.filter_traces([tracemalloc.Filter(True, __file__)])
        for stat in own.statistics("lineno")[:2]:
            print(stat.traceback, stat.size // 1000, stat.count // 10)
        print(own.statistics("filename")[0].traceback)
    """,
    "what_came_between_two_snapshots": """
        tracemalloc.start()
        first = tracemalloc.take_snapshot()
        kept = list(map(bytes, [10_000] * 20))
        second = tracemalloc.take_snapshot()
        top = second.compare_to(first, "lineno")
        [change] = [each for each in top if each.traceback[0].lineno == 4]
        print(change.size_diff - change.size, change.size_diff // 1000, change.traceback)
    """,
    "the_stack_of_the_largest_block": """
        tracemalloc.start(25)
        def inner():
            return bytes(5_000_000)
        def outer():
            return inner()
        kept = outer()
        snapshot = tracemalloc.take_snapshot()
        stat = snapshot.statistics("traceback")[0]
        print("%s memory blocks: %.1f KiB" % (stat.count, stat.size / 1024))
        for line in stat.traceback.format():
            print(line)
        print(stat.traceback.format(limit=1), stat.traceback.format(most_recent_first=True))
        print(tracemalloc.get_object_traceback(kept).format(-1))
    """,
    "current_and_peak_size": """
        tracemalloc.start()
        large_sum = sum(list(range(0x10000, 0x10000 + 100_000)))
        first_size, first_peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        small_sum = sum(list(range(0x10000, 0x10000 + 1000)))
        second_size, second_peak = tracemalloc.get_traced_memory()
        print(first_size // 10_000, first_peak // 10_000, second_size // 10_000)
        assert first_peak > 3_000_000 > 60_000 > second_peak > second_size
    """,
    "starting_stopping_and_limits": """
        print(tracemalloc.is_tracing(), tracemalloc.get_traced_memory())
        print(tracemalloc.get_traceback_limit(), tracemalloc.get_object_traceback([]))
        for frames in (0, -1, 65_536):
            try:
                tracemalloc.start(frames)
            except ValueError:
                print("refused", frames)
        tracemalloc.start(7)
        tracemalloc.start(3)
        kept = bytes(70_000)
        print(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit())
        print(tracemalloc.get_object_traceback(kept), tracemalloc.get_tracemalloc_memory() > 0)
        snapshot = tracemalloc.take_snapshot()
        print(snapshot.traceback_limit, snapshot.traces[0].domain, type(snapshot.traces[0].size))
        tracemalloc.clear_traces()
        print(tracemalloc.get_object_traceback(kept), tracemalloc.get_traced_memory()[0] < 2000)
        del kept
        print(tracemalloc.get_traced_memory()[0] < 2000)
        tracemalloc.stop()
        tracemalloc.stop()
        print(tracemalloc.is_tracing(), tracemalloc.get_traced_memory())
        print(tracemalloc.get_traceback_limit())
        try:
            tracemalloc.take_snapshot()
        except RuntimeError as error:
            print("must be tracing memory allocations to take a snapshot" in str(error))
    """,
    "the_top_lines": """
        import linecache, os
        tracemalloc.start()
        kept = list(map(bytes, [4000] * 300))
        more = bytes(300_000)
        most = bytes(2_000_000)
        snapshot = tracemalloc.take_snapshot()
        snapshot = snapshot.filter_traces((
            tracemalloc.Filter(False, "<frozen importlib._bootstrap>"),
            tracemalloc.Filter(False, "<unknown>"),
            tracemalloc.Filter(True, __file__),
        ))
        for index, stat in enumerate(snapshot.statistics("lineno")[:3], 1):
            frame = stat.traceback[0]
            print(f"#{index}: {frame.filename}:{frame.lineno}: {stat.size / 1024:.1f} KiB")
            print("   ", linecache.getline(frame.filename, frame.lineno).strip())
    """,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_program_prints_the_same_with_the_import_changed(tmp_path: Path, name: str) -> None:
    program = tmp_path / "program.py"
    lines = [line[8:] for line in EXAMPLES[name].strip("\n").splitlines()]
    printed = []
    for module in ("tracemalloc", "heapscope as tracemalloc"):
        program.write_text("\n".join([f"import {module}", *lines, ""]))
        printed.append(run("program.py", cwd=tmp_path))
    assert printed[0] == printed[1] != ""


def asked(tmp_path: Path, program: str, *before: str) -> Any:
    """What a program prints as JSON."""
    lines = [line[4:] for line in program.strip("\n").splitlines()]
    (tmp_path / "program.py").write_text("\n".join(["import heapscope, json", *lines, ""]))
    return json.loads(run(*before, "program.py", cwd=tmp_path))


def test_forgotten_blocks_are_gone_for_good(tmp_path: Path) -> None:
    program = """
    def figures():
        snapshot = heapscope.take_snapshot().filter_traces([heapscope.Filter(True, __file__)])
        large = [trace.size for trace in snapshot.traces if trace.size > 50_000]
        return [len(large), sum(large) // 100_000, heapscope.get_traced_memory()[0] // 100_000]
    def fill(count):
        return [bytes(100_000) for _ in range(count)]
    heapscope.start()
    seen = []
    one = fill(7)
    seen.append(figures())
    heapscope.clear_traces()
    seen.append(figures())
    two = fill(3)  # at the stack of the first, in its tick
    seen.append(figures())
    del one
    seen.append(figures())
    for _ in range(50):
        heapscope.clear_traces()
        kept = fill(2)
    del two
    seen.append(figures())
    del kept
    seen.append(figures())
    print(json.dumps(seen))
    """
    assert asked(tmp_path, program) == [
        [7, 7, 7],
        [0, 0, 0],
        [3, 3, 3],
        [3, 3, 3],
        [2, 2, 2],
        [0, 0, 0],
    ]


def test_the_capture_is_whole_though_traces_were_forgotten(tmp_path: Path) -> None:
    program = """
    def fill(count):
        return [bytes(100_000) for _ in range(count)]
    heapscope.start()
    one = fill(7)
    heapscope.clear_traces()
    two = fill(5)
    heapscope.clear_traces()
    del one
    print(json.dumps(heapscope.is_tracing()))
    """
    path = tmp_path / "out.hscope"
    assert asked(tmp_path, program, "-m", "heapscope", "run", "-q", "-o", str(path))
    from ground_truth import assert_whole

    from heapscope import Capture

    capture = Capture(path)
    assert_whole(capture)
    rows = [
        row for row in capture.table("line", "live")["rows"] if row["file"].endswith("program.py")
    ]
    (row,) = [row for row in rows if row["live_bytes"] > 400_000]
    assert row["live_blocks"] in (5 + 1, 5 + 2)  # and the list, whose head may be a free one
    assert 1_200_000 < row["allocated_bytes"] < 1_210_000
    assert row["allocations"] < 40


def test_native_blocks_come_when_asked_for_and_once(tmp_path: Path) -> None:
    program = """
    import mmap
    import numpy
    heapscope.start()
    array = numpy.zeros(3_000_000, dtype="u1")
    mapping = mmap.mmap(-1, 5_000_000)
    def large(native):
        kept = heapscope.take_snapshot(native).filter_traces([heapscope.Filter(True, __file__)])
        return sorted([str(t.domain), t.size] for t in kept.traces if t.size > 1_000_000)
    seen = [large(False), large(True)]
    del array
    mapping.close()
    seen.append(large(True))
    print(json.dumps(seen))
    """
    assert asked(tmp_path, program) == [
        [["389047", 3_000_000]],
        [["389047", 3_000_000], ["mmap", 5_000_000]],
        [],
    ]


def test_what_extensions_report_is_tracemallocs(tmp_path: Path) -> None:
    program = """
    import gc, random, tracemalloc
    import numpy
    choose = random.Random(5)
    tracemalloc.start(3)
    heapscope.start(3)
    kept = []
    for _ in range(3000):
        kept.append(numpy.zeros(choose.randrange(3000), dtype="u1"))
        if choose.random() < 0.6:
            del kept[choose.randrange(len(kept))]
    kept[0].resize(99_999, refcheck=False)
    only = [module.DomainFilter(True, 389047) for module in (heapscope, tracemalloc)]
    found = []
    for module, each in zip((heapscope, tracemalloc), only):
        snapshot = module.take_snapshot().filter_traces([each])
        found.append([repr(stat) for stat in snapshot.statistics("traceback")])
        found.append(sorted(map(repr, snapshot.traces._traces)))
    print(json.dumps([found[0] == found[2], found[1] == found[3], len(found[1]) == len(kept)]))
    """
    assert asked(tmp_path, program) == [True, True, True]


def test_a_snapshot_is_of_one_moment_while_threads_allocate(tmp_path: Path) -> None:
    """Pairs of blocks that live and die together are never seen apart by more than the threads."""
    program = """
    import threading
    class Pair:
        def __init__(self, size):
            self.one = bytes(size)
            self.other = bytes(size)
    done = threading.Event()
    def work():
        kept = []
        while not done.is_set():
            kept.append(Pair(10_000))
            if len(kept) > 200:
                del kept[:150]
    threads = [threading.Thread(target=work) for _ in range(4)]
    heapscope.start(2)
    for thread in threads:
        thread.start()
    apart = []
    for _ in range(60):
        snapshot = heapscope.take_snapshot(native=True)
        counts = {}
        for trace in snapshot.filter_traces([heapscope.Filter(True, __file__)]).traces:
            if trace.size > 9_000:
                line = trace.traceback[-1].lineno
                counts[line] = counts.get(line, 0) + 1
        apart.append(abs(counts.get(5, 0) - counts.get(6, 0)))
    done.set()
    for thread in threads:
        thread.join()
    print(json.dumps([len(apart), max(apart)]))
    """
    count, apart = asked(tmp_path, program)
    assert count == 60
    assert apart <= 4 * 2


def test_what_snapshots_hold_is_in_no_snapshot(tmp_path: Path) -> None:
    program = """
    heapscope.start(30)
    kept = [bytes(1000) for _ in range(1000)]
    snapshots = []
    for _ in range(20):
        snapshot = heapscope.take_snapshot()
        snapshots.append((snapshot, snapshot.statistics("traceback"), snapshot.filter_traces([])))
    sizes = [sum(stat.size for stat in statistics) for _, statistics, _ in snapshots]
    files = {f.filename for _, stats, _ in snapshots for stat in stats for f in stat.traceback}
    print(json.dumps([max(sizes) - min(sizes), [f for f in files if "heapscope" in f]]))
    """
    grown, files = asked(tmp_path, program)
    assert files == []
    assert grown < 10_000


def test_more_frames_than_start_was_told_are_there(tmp_path: Path) -> None:
    program = """
    def down(depth):
        return bytes(2_000_000) if not depth else down(depth - 1)
    heapscope.start(2)
    kept = down(9)
    def largest(**options):
        snapshot = heapscope.take_snapshot(**options)
        trace = max(snapshot.traces, key=lambda trace: trace.size)
        return [len(trace.traceback), trace.traceback.total_nframe, snapshot.traceback_limit]
    print(json.dumps([largest(), largest(nframe=5), largest(nframe=99)]))
    """
    assert asked(tmp_path, program) == [[2, 11, 2], [5, 11, 5], [11, 11, 99]]


def test_under_run_snapshots_begin_at_start_and_the_recording_goes_on(tmp_path: Path) -> None:
    program = """
    before = bytes(3_000_000)
    whole = heapscope.get_traceback_limit()
    early = sum(trace.size for trace in heapscope.take_snapshot().traces)
    heapscope.start(4)
    after = bytes(400_000)
    sizes = sum(trace.size for trace in heapscope.take_snapshot().traces)
    limit = heapscope.get_traceback_limit()
    heapscope.stop()
    print(json.dumps([whole, early > 3_000_000, sizes < 500_000, limit, heapscope.is_tracing()]))
    """
    path = tmp_path / "out.hscope"
    found = asked(tmp_path, program, "-m", "heapscope", "run", "-q", "-o", str(path))
    assert found == [65_535, True, True, 4, True]


@pytest.mark.parametrize("allocator", ["malloc", "pymalloc_debug"])
def test_other_allocators_of_cpythons_are_traced_alike(tmp_path: Path, allocator: str) -> None:
    program = """
    heapscope.start()
    kept = [bytes(20_000 + size) for size in range(50)]
    thing = heapscope.get_object_traceback(kept[3])
    large = [trace.size for trace in heapscope.take_snapshot().traces if trace.size > 10_000]
    print(json.dumps([len(large), thing[0].lineno]))
    """
    environment = {**os.environ, "PYTHONMALLOC": allocator}
    (tmp_path / "program.py").write_text(
        "\n".join(["import heapscope, json", *(line[4:] for line in program.splitlines())])
    )
    assert json.loads(run("program.py", cwd=tmp_path, env=environment)) == [50, 4]

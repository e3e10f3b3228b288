"""What each format holds is what the table has: random programs with hostile names, read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from export_readers import (
    CONTROLS,
    METRICS,
    Pprof,
    Stack,
    difference,
    label,
    plain,
    read_collapsed,
    read_csv,
    read_firefox,
    read_gprof2dot,
    read_json,
    read_speedscope,
    stack_of,
    weights,
)

import heapscope

PROGRAM = Path(__file__).parent / "programs" / "hostile_names.py"
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "export.schema.json"
FIGURES = (
    "peak_bytes", "peak_blocks", "live_bytes", "live_blocks", "allocated_bytes", "allocations",
    "temporary_bytes", "temporary_allocations",
)  # fmt: skip


class Recorded:
    """A capture, its table, and its exports."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory = directory
        self.path = directory / "work.hscope"
        command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", str(self.path)]
        subprocess.run([*command, str(PROGRAM), str(seed)], check=True, timeout=120)
        self.capture = heapscope.Capture(self.path)
        self.rows: list[dict[str, Any]] = self.capture.table("site")["rows"]

    def export(self, format_name: str, metric: str = "peak") -> Path:
        path = self.directory / f"{format_name}-{metric}"
        self.capture.export(format_name, path, metric=metric, force=True)
        return path


@pytest.fixture(scope="module", params=[1, 2])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(tmp_path_factory.mktemp(f"seed{request.param}"), request.param)


def multiset(rows: list[dict[str, Any]]) -> Counter[Any]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


@pytest.mark.one_version
def test_json_has_every_site_with_its_exact_names(recorded: Recorded) -> None:
    keys = ("file", "line", "function", "domain", "thread", "stack", *FIGURES)
    expected = [{key: row[key] for key in keys} for row in recorded.rows]
    found = [{key: row[key] for key in keys} for row in read_json(recorded.export("json"))]
    assert not difference(multiset(found), multiset(expected))
    text = json.dumps(found)
    for name in ("nul\\u0000nul", "lone\\udcff\\ud800", "\\u202eevil", "line\\u2028sep"):
        assert name in text  # the program was as hostile as it claims


@pytest.mark.one_version
def test_json_fits_its_schema_and_repeats_the_summary_and_the_timeline(recorded: Recorded) -> None:
    import jsonschema  # type: ignore[import-untyped]

    document = json.loads(recorded.export("json").read_text())
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    # Rows of a table are alike; the check is slow.
    some = {
        key: value[:200] if isinstance(value, list) else value for key, value in document.items()
    }
    validator.validate(some)
    for table in ("sites", "frames", "stacks", "threads", "ticks", "rss_samples"):
        assert not validator.is_valid({**some, table: [{"unknown": 1}]})
        assert len({tuple(row) for row in document[table]}) == (1 if document[table] else 0)
    assert not difference(document["summary"], recorded.capture.summary())
    timeline = recorded.capture.timeline
    times = list(zip(timeline["time_s"], timeline["sampled_by"], strict=True))
    for table, source in (("ticks", "tracker"), ("rss_samples", "sampler")):
        assert [row["time_s"] for row in document[table]] == [t for t, by in times if by == source]
        for key in document[table][0] if document[table] else ():
            column = zip(timeline[key], timeline["sampled_by"], strict=True)
            if key not in ("pss_bytes", "max_rss_bytes"):  # of which the timeline makes one
                assert [row[key] for row in document[table]] == [
                    x for x, by in column if by == source
                ]


@pytest.mark.one_version
def test_csv_is_a_row_for_each_site(recorded: Recorded) -> None:
    expected: Counter[tuple[str, ...]] = Counter()
    for row in recorded.rows:
        stack = ";".join(
            label((each["function"], each["file"], each["line"]), CONTROLS + ';"')
            for each in row["stack"]
        )
        texts = [plain(row[key], r"\ud800-\udfff\x00") for key in ("file", "function", "thread")]
        numbers = [str(row[key]) for key in FIGURES]
        fields = (texts[0], str(row["line"] or ""), *texts[1:], row["domain"], *numbers, stack)
        expected[fields] += 1
    keys = ("file", "line", "function", "thread", "domain", *FIGURES, "stack")
    path = recorded.export("csv")
    found = Counter(tuple(row[key] for key in keys) for row in read_csv(path))
    assert not difference(found, expected)
    data = path.read_bytes()
    assert data.startswith(b"file,line,function,domain,thread,peak_bytes,")
    assert data.endswith(b"\r\n")


@pytest.mark.one_version
@pytest.mark.parametrize("metric", METRICS)
def test_collapsed_is_a_line_for_each_stack(recorded: Recorded, metric: str) -> None:
    expected: Counter[str] = Counter()
    for stack, weight in weights(recorded.rows, metric).items():
        expected[";".join(label(place, CONTROLS + ";") for place in stack)] += weight
    assert not difference(read_collapsed(recorded.export("collapsed", metric)), expected)


@pytest.mark.one_version
def test_speedscope_has_a_profile_of_each_metric_with_exact_names(recorded: Recorded) -> None:
    profiles = read_speedscope(recorded.export("speedscope", "live"))
    assert [profile["name"].split(": ")[1] for profile, _ in profiles] == [
        "bytes live at the end",
        "bytes at the peak",
        "bytes allocated",
        "temporary bytes",
        "allocations",
    ]
    order = ("live", "peak", "allocated", "temporary", "count")
    for metric, (profile, found) in zip(order, profiles, strict=True):
        assert not difference(found, weights(recorded.rows, metric))
        assert profile["unit"] == ("none" if metric == "count" else "bytes")


@pytest.mark.one_version
@pytest.mark.parametrize("metric", METRICS)
def test_firefox_has_each_threads_stacks_with_exact_names(recorded: Recorded, metric: str) -> None:
    expected: Counter[tuple[str, Stack]] = Counter()
    for row in recorded.rows:
        expected[row["thread"], stack_of(row)] += row[METRICS[metric]]
    assert not difference(read_firefox(recorded.export("firefox", metric)), +expected)


@pytest.mark.one_version
def test_firefox_counters_end_with_what_is_live(recorded: Recorded) -> None:
    document = json.loads(recorded.export("firefox").read_text())
    counters = {each["name"]: each["samples"] for each in document["counters"]}
    summary = recorded.capture.summary()
    assert sum(counters["heap"]["count"]) == summary["live_bytes_at_end"]
    objects = recorded.capture.table("domain", "live")["rows"]
    expected = sum(row["live_bytes"] for row in objects if row["domain"] == "object")
    assert sum(counters["Python objects"]["count"]) == expected


@pytest.mark.one_version
def test_perfetto_counts_the_heap_the_rss_and_the_domains_over_time(recorded: Recorded) -> None:
    events = json.loads(recorded.export("perfetto").read_text())["traceEvents"]
    summary = recorded.capture.summary()
    series: dict[str, list[dict[str, int]]] = {}
    for event in events:
        if event["ph"] == "C":
            series.setdefault(event["name"], []).append(event["args"])
    assert series["heap"][0] == {"bytes": 0}
    assert series["heap"][-1] == {"bytes": summary["live_bytes_at_end"]}
    heap = [point["bytes"] for point in series["heap"]]
    assert [sum(point.values()) for point in series["heap by domain"]] == heap
    live = [value for value in recorded.capture.timeline["live_bytes"] if value is not None]
    assert heap[1:-1] == live
    rss = [value for value in recorded.capture.timeline["rss_bytes"] if value is not None]
    assert [point["bytes"] for point in series.get("RSS", [])] == rss
    (peak,) = [event for event in events if event["ph"] == "i"]
    assert peak["args"]["peak_bytes"] == summary["peak_bytes"]
    assert peak["ts"] == pytest.approx(summary["peak_at_s"] * 1e6)
    (run,) = [event for event in events if event["ph"] == "X"]
    assert run["dur"] == pytest.approx(summary["duration_s"] * 1e6)
    names = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert {row["thread"] for row in recorded.rows} - {"<unknown>"} <= names


@pytest.mark.one_version
@pytest.mark.parametrize(
    ("metric", "inuse"), [("peak", "peak"), ("live", "live"), ("count", "peak")]
)
def test_pprof_has_every_site_with_thread_and_domain(
    recorded: Recorded, metric: str, inuse: str
) -> None:
    profile = Pprof(recorded.export("pprof", metric))
    assert profile.types == [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ]
    assert profile.default == ("alloc_objects" if metric == "count" else "inuse_space")
    expected: dict[tuple[str, str, Stack], Counter[str]] = {}
    for row in recorded.rows:
        stack = tuple((plain(name), plain(file), line) for name, file, line in stack_of(row))
        key = (plain(row["thread"]), row["domain"], stack)
        expected.setdefault(key, Counter()).update(
            {
                "alloc_objects": row["allocations"],
                "alloc_space": row["allocated_bytes"],
                "inuse_objects": row[f"{inuse}_blocks"],
                "inuse_space": row[f"{inuse}_bytes"],
            }
        )
    assert not difference(profile.samples, expected)
    summary = recorded.capture.summary()
    assert profile.strings[0] == ""
    assert profile.period == 1
    assert profile.duration_ns == pytest.approx(summary["duration_s"] * 1e9, abs=1)
    what = "live when tracking stopped" if inuse == "live" else "at the instant of the highest heap"
    assert any(what in comment for comment in profile.comments)


@pytest.mark.one_version
def test_gprof2dot_has_every_chain_of_functions(recorded: Recorded) -> None:
    found = read_gprof2dot(recorded.export("gprof2dot"))
    assert found.total() == recorded.capture.peak_bytes
    by_function: Counter[str] = Counter()
    for chain, weight in found.items():
        by_function[chain[-1][0]] += weight
    expected: Counter[str] = Counter()
    for row in recorded.rows:
        expected[plain(stack_of(row)[-1][0], CONTROLS)] += row["peak_bytes"]
    assert not difference(by_function, +expected)


@pytest.mark.parametrize("metric", ["peak", "live"])
def test_tracemalloc_loads_it_and_has_the_same_statistics(recorded: Recorded, metric: str) -> None:
    snapshot = tracemalloc.Snapshot.load(str(recorded.export("tracemalloc", metric)))
    for key in ("traceback", "lineno", "filename"):
        expected: dict[Any, list[int]] = {}
        for row in recorded.rows:
            frames = tuple((file, line or 0) for _, file, line in stack_of(row))
            group = frames if key == "traceback" else frames[-1:]
            if key == "filename":
                group = ((group[0][0], 0),)
            figures = expected.setdefault(group, [0, 0])
            figures[0] += row[f"{metric}_bytes"]
            figures[1] += row[f"{metric}_blocks"]
        found = {
            tuple((frame.filename, frame.lineno) for frame in each.traceback): [
                each.size,
                each.count,
            ]
            for each in snapshot.statistics(key)
        }
        kept = {group: each for group, each in expected.items() if each != [0, 0]}
        assert not difference(found, kept)
    python = snapshot.filter_traces([tracemalloc.DomainFilter(True, 0)])
    domains = recorded.capture.table("domain", metric)["rows"]
    expected_bytes = sum(
        row[f"{metric}_bytes"] for row in domains if row["domain"] in ("object", "mem", "raw")
    )
    assert sum(trace.size for trace in python.traces) == expected_bytes


def test_a_snapshot_is_of_the_same_form_as_tracemallocs_own(
    recorded: Recorded, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    make = "import tracemalloc, sys; tracemalloc.start(9); x = [bytearray(9) for _ in range(9)]\n"
    make += "tracemalloc.take_snapshot().dump(sys.argv[1])"
    subprocess.run([sys.executable, "-c", make, str(own)], check=True, timeout=60)
    theirs = tracemalloc.Snapshot.load(str(own))
    ours = tracemalloc.Snapshot.load(str(recorded.export("tracemalloc")))
    assert vars(ours).keys() == vars(theirs).keys()
    assert type(ours.traces) is type(theirs.traces)
    assert [type(each) for each in ours.traces._traces[0]] == [  # type: ignore[attr-defined]
        type(each)
        for each in theirs.traces._traces[0]  # type: ignore[attr-defined]
    ]
    assert ours.compare_to(theirs, "lineno")
    again = tmp_path / "again"
    ours.dump(str(again))
    both = (list(tracemalloc.Snapshot.load(str(again)).traces), list(ours.traces))
    assert both[0] == both[1], "another snapshot"


def test_a_deep_stack_keeps_its_innermost_frames_in_tracemalloc_and_its_depth(
    tmp_path: Path,
) -> None:
    script = tmp_path / "deep.py"
    script.write_text(
        "import sys\nsys.setrecursionlimit(9_000)\n"
        "def down(depth):\n    return down(depth - 1) if depth else bytearray(3_000_000)\n"
        "kept = down(3_000)\n"
    )
    path = tmp_path / "deep.hscope"
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", str(path), str(script)]
    subprocess.run(command, check=True, timeout=120)
    capture = heapscope.Capture(path)
    out = capture.export("tracemalloc", tmp_path / "out")
    snapshot = tracemalloc.Snapshot.load(out)
    largest = max(snapshot.traces, key=lambda trace: trace.size)
    assert len(largest.traceback) == snapshot.traceback_limit == 1024
    assert largest.traceback.total_nframe == len(capture.sites(limit=1)[0].stack) > 3_000
    assert os.path.basename(largest.traceback[-1].filename) == "deep.py"
    lines = read_collapsed(Path(capture.export("collapsed", tmp_path / "lines")))
    deep = max(lines, key=lambda line: lines[line])
    assert deep.count(";") == 1023
    depth = len(capture.sites(limit=1)[0].stack)
    assert f";<{depth - 1023} frames left out>;" in deep

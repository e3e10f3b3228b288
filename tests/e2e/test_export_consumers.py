"""The tools that exports are for open them, and their sums are ours."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree
from collections import Counter
from pathlib import Path

import pytest
from export_consumers import (
    FirefoxProfile,
    graphviz,
    pprof,
    run,
    speedscope_import,
    speedscope_release,
)
from export_readers import difference

import heapscope

pytestmark = pytest.mark.one_version

PROGRAMS = Path(__file__).parent / "programs"
PLAIN = """\
import json, threading

def keep(size):
    return bytearray(size)

def work(count):
    return [keep(100_000) for _ in range(count)] + [(lambda: bytearray(70_000))()]

kept = work(7)
thread = threading.Thread(target=work, args=(30,), name="helper")
thread.start()
thread.join()
kept.append(json.loads(json.dumps(list(range(5_000)))))
"""


def record(directory: Path, *arguments: str | Path) -> heapscope.Capture:
    path = directory / "work.hscope"
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", path, *arguments]
    subprocess.run([str(word) for word in command], check=True, timeout=120)
    return heapscope.Capture(path)


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> heapscope.Capture:
    directory = tmp_path_factory.mktemp("plain")
    (directory / "plain.py").write_text(PLAIN)
    return record(directory, directory / "plain.py")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> heapscope.Capture:
    return record(tmp_path_factory.mktemp("hostile"), PROGRAMS / "hostile_names.py", "4")


@pytest.fixture(params=["capture", "hostile"])
def each(request: pytest.FixtureRequest) -> heapscope.Capture:
    found: heapscope.Capture = request.getfixturevalue(request.param)
    return found


def self_bytes(capture: heapscope.Capture, group: str, metric: str) -> Counter[tuple[object, ...]]:
    """What the rows of a table have themselves, by name, file and line."""
    key = "allocations" if metric == "count" else f"{metric}_bytes"
    found: Counter[tuple[object, ...]] = Counter()
    for row in capture.table("site", metric)["rows"]:
        place = (
            (row["function"], row["file"], row["line"]) if group == "line" else (row["function"],)
        )
        found[place] += row[key]
    return +found


# ---- pprof

INDEX = {
    "inuse_space": ("peak_bytes", 1),
    "alloc_space": ("allocated_bytes", 1),
    "inuse_objects": ("peak_blocks", 0),
    "alloc_objects": ("allocations", 0),
}


@pytest.mark.parametrize("index", INDEX)
def test_pprofs_top_has_our_figures(capture: heapscope.Capture, tmp_path: Path, index: str) -> None:
    path = capture.export("pprof", tmp_path / "out.pb.gz")
    options = ["-nodefraction=0", "-edgefraction=0", "-nodecount=0", f"-sample_index={index}"]
    units = ["-unit=B"] if INDEX[index][1] else []
    top = run([pprof(), "-top", *options, *units, path])
    figure = INDEX[index][0]
    functions: Counter[str] = Counter()
    for row in capture.table("site")["rows"]:
        functions[row["function"]] += row[figure]
    found: Counter[str] = Counter()
    for line in top.splitlines():
        row = re.match(r" *(\d+)B? +\S+% +\S+% +(\d+)B? +\S+%  (.*?)(?: \(inline\))?$", line)
        if row:
            found[row[3]] += int(row[1])
    assert not difference(+found, +functions)
    total = re.search(r"of (\d+)B? total", top)
    assert total is not None
    assert int(total[1]) == functions.total()
    for name in ("<module>", "<lambda>"):
        assert any(name in function for function in found), "pprof has lost a name"


def test_pprofs_raw_and_traces_sum_to_our_totals(each: heapscope.Capture, tmp_path: Path) -> None:
    path = each.export("pprof", tmp_path / "out.pb.gz")
    raw = run([pprof(), "-raw", path])
    samples = re.findall(r"^ +(\d+) +(\d+) +(\d+) +(\d+): ", raw, re.MULTILINE)
    sums = [sum(int(sample[column]) for sample in samples) for column in range(4)]
    summary = each.summary()
    assert sums == [
        summary["allocations"],
        summary["allocated_bytes"],
        summary["peak_blocks"],
        summary["peak_bytes"],
    ]
    assert "inuse_space/bytes[dflt]" in raw
    assert f"heapscope {heapscope.__version__}" in run([pprof(), "-comments", path])
    traces = run([pprof(), "-traces", "-unit=B", path])
    weights = re.findall(r"^ +(\d+)B   ", traces, re.MULTILINE)
    assert sum(map(int, weights)) == summary["peak_bytes"]
    tags = run([pprof(), "-tags", "-unit=B", path])
    assert re.search(r"domain: Total \d+B", tags)
    assert re.search(r"thread: Total \d+B", tags)


# ---- speedscope and collapsed stacks


def test_speedscope_imports_its_own_format_the_lines_and_pprof(
    capture: heapscope.Capture, tmp_path: Path
) -> None:
    files = [
        Path(capture.export("speedscope", tmp_path / "out.speedscope.json", metric="live")),
        Path(capture.export("collapsed", tmp_path / "out.collapsed")),
        Path(capture.export("pprof", tmp_path / "out.pb.gz")),
        Path(capture.export("perfetto", tmp_path / "out.json")),
    ]
    own, collapsed, proto, trace = speedscope_import(*files)
    summary = capture.summary()
    assert [profile["weight"] for profile in own["profiles"]] == [
        summary["live_bytes_at_end"],
        summary["peak_bytes"],
        summary["allocated_bytes"],
        summary["temporary_bytes"],
        summary["allocations"],
    ]
    assert own["profiles"][own["shown"]]["name"].endswith("live at the end")
    for metric, profile in zip(("live", "peak", "allocated"), own["profiles"], strict=False):
        found = {(name, file, line): own for name, file, line, own, _ in profile["frames"] if own}
        assert not difference(found, self_bytes(capture, "line", metric))
    for other in (collapsed, proto):
        assert [profile["weight"] for profile in other["profiles"]] == [summary["peak_bytes"]]
    assert trace["profiles"][0]["weight"] == pytest.approx(summary["duration_s"] * 1e6)


def test_speedscope_imports_hostile_names(hostile: heapscope.Capture, tmp_path: Path) -> None:
    files = [
        Path(hostile.export("speedscope", tmp_path / "out.speedscope.json")),
        Path(hostile.export("collapsed", tmp_path / "out.collapsed")),
    ]
    own, collapsed = speedscope_import(*files)
    frames = own["profiles"][0]["frames"]
    found = {(name, file, line): own for name, file, line, own, _ in frames if own}
    assert not difference(found, self_bytes(hostile, "line", "peak"))
    assert collapsed["profiles"][0]["weight"] == hostile.peak_bytes


def test_speedscopes_schema_takes_it(each: heapscope.Capture, tmp_path: Path) -> None:
    import jsonschema  # type: ignore[import-untyped]

    schema = json.loads((speedscope_release() / "file-format-schema.json").read_text())
    document = json.loads(Path(each.export("speedscope", tmp_path / "out.json")).read_text())
    for profile in document["profiles"]:
        assert {tuple(event) for event in profile["events"]} <= {("type", "frame", "at")}
        profile["events"] = profile["events"][:50]  # they are alike, and the check is slow
    jsonschema.validate(document, schema)


# ---- Firefox


def test_firefoxs_profiler_imports_it_with_our_sums(
    each: heapscope.Capture, tmp_path: Path
) -> None:
    path = Path(each.export("firefox", tmp_path / "out.firefox.json", metric="allocated"))
    with FirefoxProfile(path, tmp_path / "sessions") as profile:
        threads = profile.ask("thread", "list", "--limit", "0")["threads"]
        found: Counter[str] = Counter()
        for thread in threads:
            words = ("thread", "functions", "--thread", thread["threadHandle"], "--limit", "0")
            answer = profile.ask(*words, "--include-idle")
            assert answer["weightType"] == "bytes"
            for function in answer["functions"]:
                found[function["name"]] += function["selfSamples"]
        counters = profile.ask("counter", "list")["counters"]
    rows = each.table("site")["rows"]
    assert {thread["name"] for thread in threads} == {
        row["thread"] for row in rows if row["allocated_bytes"]
    }
    expected: Counter[str] = Counter()
    for row in rows:
        # The command line's JSON is UTF-8, which has no lone surrogates.
        expected[row["function"].encode("utf-16", "surrogatepass").decode("utf-16", "replace")] += (
            row["allocated_bytes"]
        )
    assert found.total() == each.allocated_bytes
    if each.path.endswith("plain/work.hscope"):
        assert not difference(+found, +expected)
    assert {"heap", "Python objects"} <= {counter["name"] for counter in counters}


# ---- call graphs


def test_dot_draws_the_call_graph(each: heapscope.Capture, tmp_path: Path) -> None:
    path = each.export("dot", tmp_path / "out.dot")
    picture = run([graphviz(), "-Tsvg", path])
    names = [
        node.text or ""
        for node in xml.etree.ElementTree.fromstring(picture).iter(
            "{http://www.w3.org/2000/svg}text"
        )
    ]
    assert any("bytes at the peak" in name for name in names)
    assert any("<module>" in name for name in names)


def test_gprof2dot_and_dot_draw_its_json_and_the_lines(
    each: heapscope.Capture, tmp_path: Path
) -> None:
    for format_name, parser in (("gprof2dot", "json"), ("collapsed", "collapse")):
        path = each.export(format_name, tmp_path / f"out.{format_name}")
        options = ["-n1", "-e1", "-f", parser]
        command = [sys.executable, "-X", "utf8", "-m", "gprof2dot", *options, path]
        graph = run(command)
        assert graph.startswith("digraph {")
        picture = subprocess.run(
            [graphviz(), "-Tsvg"],
            input=graph.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=240,
        )
        assert picture.returncode == 0, picture.stderr[-1000:]
        assert b"</svg>" in picture.stdout
        assert "<module>" in graph

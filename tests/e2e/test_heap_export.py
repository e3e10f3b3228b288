"""Heap snapshots in other tools' formats: the tools open them, and their figures are ours."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from export_consumers import CONSUMERS, TOOLS, node_packages, run

from heapscope import _analysis
from heapscope.cli.main import main

pytestmark = pytest.mark.one_version

PROGRAM = """\
import gc, sys, weakref
from heapscope import _tracker

class Lesson:
    def __init__(self, number):
        self.title = f"lesson {number}"
        self.tags = [number, "a#b c"]
        self.raw = bytearray(1000)

def work(before, after):
    local = {"one of 'mine'": Lesson(-1)}
    seen = weakref.ref(local["one of 'mine'"])
    copies = ["".join(["twi", "ce"]) for _ in range(7)]
    held = dict.fromkeys(copies), copies
    ring = [local]
    ring.append(ring)
    del ring
    gc.collect()  # what the start of the interpreter left is not to go between the two
    _tracker.heap_write(before)
    kept = [CACHE.pop(number) for number in range(50)]
    kept.clear()
    CACHE.update((number, Lesson(number)) for number in range(1000, 1300))
    _tracker.heap_write(after)

CACHE = {number: Lesson(number) for number in range(200)}
work(*sys.argv[1:])
"""


RECORDED = """\
class Lesson:
    __slots__ = ()

def make(number):
    return Lesson()  # MADE

CACHE = {}
for number in range(300):
    CACHE[number] = make(number)  # CALLED
"""


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("heap")
    program = directory / "lessons.py"
    program.write_text(PROGRAM)
    before, after = directory / "before.hsnap", directory / "after.hsnap"
    command = [sys.executable, program, before, after]
    subprocess.run([str(word) for word in command], check=True, timeout=120)
    return before, after


@pytest.fixture(scope="module")
def before(snapshots: tuple[Path, Path]) -> Path:
    return snapshots[0]


def export(snapshot: Path, kind: str, output: Path) -> Path:
    assert main(["export", str(snapshot), "-f", kind, "-o", str(output), "-q"]) == 0
    return output


def engine(*files: Path) -> dict[str, Any]:
    """What the engine of Chrome DevTools makes of .heapsnapshot files."""
    node, packages = node_packages()
    script = CONSUMERS / "heapsnapshot_engine.mjs"
    answer: dict[str, Any] = json.loads(
        run([node, script, packages, TOOLS / "heapsnapshot_engine.mjs", *files])
    )
    return answer


def objects_of(snapshot: Path, directory: Path) -> dict[int, dict[str, Any]]:
    """All objects by id, out of the JSON export."""
    document = json.loads(export(snapshot, "json", directory / "all.json").read_text())
    assert document["schema"] == "heapscope/heap-export/1"
    names = document["object_fields"]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in document["objects"]}
    for row in rows.values():
        row["type"] = document["types"][row["type"]]["type"]
    return rows


def count_references(graph: _analysis.HeapGraph) -> int:
    """References that lead to something, object by object."""
    count = 0
    for each in itertools.count(1):
        try:
            count += graph.references(each, 0)["total"]
        except ValueError:
            return count
    raise AssertionError


def stable_ids(addresses: list[int]) -> dict[int, int]:
    """The numbers of 32 bits that docs/export.md promises, by address."""
    taken = {0}
    chunks = {}
    for chunk in sorted({address >> 20 for address in addresses}):
        number = chunk % 65536
        while number in taken:
            number = (number + 1) % 65536
        taken.add(number)
        chunks[chunk] = number
    return {each: chunks[each >> 20] << 16 | each >> 4 & 0xFFFF for each in addresses}


def test_devtools_finds_our_retained_sizes_and_dominators(before: Path, tmp_path: Path) -> None:
    (loaded,) = engine(export(before, "heapsnapshot", tmp_path / "a.heapsnapshot"))["files"]
    assert loaded["problems"] == []
    ours = objects_of(before, tmp_path)
    ids = stable_ids([row["address"] for row in ours.values() if row["address"]])
    python = [row for row in ours.values() if row["address"]]
    assert len(python) > 5_000
    for row in python:
        theirs = loaded["objects"][str(ids[row["address"]])]
        assert (theirs["self"], theirs["retained"]) == (row["size_bytes"], row["retained_bytes"])
        dominator = ours.get(row["dominator"])
        if dominator is not None and dominator["address"]:
            assert theirs["dominator"] == ids[dominator["address"]]
    graph = _analysis.HeapGraph(before)
    outside = int(graph.info["rss_bytes"]) - sum(row["size_bytes"] for row in python)
    assert loaded["statistics"]["native"]["total"] == outside


def test_devtools_groups_objects_by_type_with_our_figures(before: Path, tmp_path: Path) -> None:
    (loaded,) = engine(export(before, "heapsnapshot", tmp_path / "a.heapsnapshot"))["files"]
    types = {row["type"]: row for row in _analysis.HeapGraph(before).retained_by_type()}
    for name in ("__main__.Lesson", "dict", "bytearray", "function"):
        assert loaded["classes"][name] == {
            "count": types[name]["count"],
            "self": types[name]["shallow_bytes"],
            "retained": types[name]["retained_bytes"],
        }
    assert types["__main__.Lesson"]["count"] == 201


def test_devtools_shows_names_of_references_and_duplicate_strings(
    before: Path, tmp_path: Path
) -> None:
    (loaded,) = engine(export(before, "heapsnapshot", tmp_path / "a.heapsnapshot"))["files"]
    objects = loaded["objects"]
    groups = [to for _, _, to in objects["1"]["edges"]]
    assert [objects[str(group)]["name"] for group in groups] == ["(GC roots)"]
    lesson = next(each for each in objects.values() if each["name"] == "__main__.Lesson")
    named = {name: objects[str(to)] for kind, name, to in lesson["edges"] if kind == "property"}
    assert {"title", "tags", "raw"} <= named.keys()
    assert named["raw"]["class"] == "bytearray"
    assert [kind for kind, _, _ in named["tags"]["edges"]] == ["element", "element"]
    kinds = {kind for each in objects.values() for kind, _, _ in each["edges"]}
    assert "weak" in kinds
    weak = [to for each in objects.values() for kind, _, to in each["edges"] if kind == "weak"]
    assert any(objects[str(to)]["name"] == "__main__.Lesson" for to in weak)
    assert ["twice", 7] in loaded["duplicates"] or 7 in [n for _, n in loaded["duplicates"]]


def test_devtools_comparison_counts_what_came_and_went(
    snapshots: tuple[Path, Path], tmp_path: Path
) -> None:
    files = [export(each, "heapsnapshot", tmp_path / each.stem) for each in snapshots]
    difference = engine(*files)["difference"]
    added = difference["__main__.Lesson"]["added"]
    removed = difference["__main__.Lesson"]["removed"]
    # Memory of what went may be taken by what came, which then has its number.
    assert added - removed == 250
    assert 250 <= added <= 300
    assert "function" not in difference, "what stayed was taken for new"


def test_devtools_shows_the_allocation_stacks_of_a_recorded_program(tmp_path: Path) -> None:
    program = tmp_path / "lessons.py"
    program.write_text(RECORDED)
    command = [sys.executable, "-m", "heapscope", "run", "-q", "-o", "run.hscope", "--at-exit"]
    subprocess.run([*command, str(program)], check=True, timeout=120, cwd=tmp_path)
    snapshot = tmp_path / "run.exit.hsnap"
    (loaded,) = engine(export(snapshot, "heapsnapshot", tmp_path / "a.heapsnapshot"))["files"]
    assert loaded["problems"] == []
    made, called = (
        next(at for at, text in enumerate(RECORDED.splitlines(), 1) if text.endswith(mark))
        for mark in ("# MADE", "# CALLED")
    )
    lessons = [key for key, each in loaded["objects"].items() if each["name"] == "__main__.Lesson"]
    assert len(lessons) == 300
    for lesson in lessons:
        frames = [(name, file, line) for name, file, line in loaded["stacks"][lesson]]
        assert frames[0] == ("make", str(program), made)
        assert frames[1] == ("<module>", str(program), called)
    (row,) = (
        each
        for each in loaded["allocations"]
        if (each["name"], each["file"], each["line"]) == ("make", str(program), made)
    )
    own = sum(loaded["objects"][lesson]["self"] for lesson in lessons)
    assert row["live_count"] >= 300
    assert own <= row["live_size"] < own + 200


def test_networkx_reads_the_edges_with_their_names(before: Path, tmp_path: Path) -> None:
    import networkx

    graph = networkx.read_edgelist(
        export(before, "networkx", tmp_path / "heap.edgelist"), create_using=networkx.MultiDiGraph
    )
    assert graph.number_of_edges() == count_references(_analysis.HeapGraph(before))
    lessons = [node for node in graph if node.startswith("__main__.Lesson@0x")]
    assert len(lessons) == 201
    names = {data["name"] for _, _, data in graph.out_edges(lessons[0], data=True)}
    assert {"title", "tags", "raw"} <= names
    every = {data["name"] for _, _, data in graph.edges(data=True)}
    assert "[\"one of 'mine'\"]" in every


def test_networkx_reads_nodes_with_sizes_from_json(before: Path, tmp_path: Path) -> None:
    import networkx

    document = json.loads(export(before, "networkx", tmp_path / "heap.json").read_text())
    graph = networkx.node_link_graph(document, edges="edges")
    ours = _analysis.HeapGraph(before)
    assert graph.number_of_edges() == count_references(ours)
    sizes = networkx.get_node_attributes(graph, "size_bytes")
    assert sum(sizes.values()) == ours.total_bytes
    lesson = next(node for node, data in graph.nodes(data=True) if data["type"].endswith("Lesson"))
    assert graph.nodes[lesson]["retained_bytes"] == ours.object(lesson)["retained_bytes"]


def test_perfetto_reads_objects_references_types_and_roots(before: Path, tmp_path: Path) -> None:
    from google.protobuf.unknown_fields import UnknownFieldSet
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2

    trace = perfetto_trace_pb2.Trace()
    trace.ParseFromString(export(before, "perfetto", tmp_path / "heap.trace").read_bytes())
    heap_graph = heap_graph_message()()
    for packet in trace.packet:
        assert packet.trusted_packet_sequence_id == 1
        for unknown in UnknownFieldSet(packet):
            assert unknown.field_number == 56
            heap_graph.MergeFromString(unknown.data)
    (process,) = trace.packet[0].process_tree.processes
    ours = _analysis.HeapGraph(before)
    assert process.pid == heap_graph.pid == int(ours.info["pid"])
    assert not heap_graph.continued
    assert sum(each.self_size for each in heap_graph.objects) == ours.total_bytes
    names = {each.iid: each.str.decode() for each in heap_graph.field_names}
    types = {each.id: each.class_name for each in heap_graph.types}
    ids = {each.id for each in heap_graph.objects}
    references = 0
    for each in heap_graph.objects:
        assert len(each.reference_field_id) == len(each.reference_object_id)
        assert ids.issuperset(each.reference_object_id)
        assert all(field in names for field in each.reference_field_id)
        references += len(each.reference_object_id)
    assert references == count_references(ours)
    lessons = [each for each in heap_graph.objects if types[each.type_id] == "__main__.Lesson"]
    assert len(lessons) == 201
    assert {"title", "tags", "raw"} <= {names[field] for field in lessons[0].reference_field_id}
    assert types[heap_graph.objects[0].type_id] == "sys.modules"
    assert 1 in heap_graph.roots[0].object_ids
    assert ids.issuperset(each for root in heap_graph.roots for each in root.object_ids)


def heap_graph_message() -> Any:
    """The message HeapGraph as its published schema has it; the package lacks it."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="heap_graph.proto", package="t", syntax="proto2")
    number, text, raw, message = 4, 9, 12, 11
    shapes: dict[str, list[Any]] = {
        "Root": [("object_ids", 1, number, True), ("root_type", 2, number, False)],
        "Type": [("id", 1, number, False), ("class_name", 3, text, False)],
        "Object": [
            ("id", 1, number, False),
            ("type_id", 2, number, False),
            ("self_size", 3, number, False),
            ("reference_field_id", 4, number, True),
            ("reference_object_id", 5, number, True),
        ],
        "Name": [("iid", 1, number, False), ("str", 2, raw, False)],
        "HeapGraph": [
            ("pid", 1, number, False),
            ("objects", 2, "Object", True),
            ("field_names", 4, "Name", True),
            ("continued", 5, number, False),
            ("index", 6, number, False),
            ("roots", 7, "Root", True),
            ("types", 9, "Type", True),
        ],
    }
    for name, fields in shapes.items():
        shape = file.message_type.add(name=name)
        for field, place, kind, repeated in fields:
            made = shape.field.add(name=field, number=place, label=3 if repeated else 1)
            made.type = message if isinstance(kind, str) else kind
            if isinstance(kind, str):
                made.type_name = f".t.{kind}"
            elif repeated:
                made.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.HeapGraph"))


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["query", *arguments, "--json", "-q"]) == 0
    return list(json.loads(capsys.readouterr().out)["rows"])


def test_sql_sums_objects_and_types_to_the_heap(
    before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = _analysis.HeapGraph(before)
    (row,) = ask(capsys, str(before), "select count(*) n, sum(size_bytes) b from objects")
    assert row == {"n": ours.object_count, "b": ours.total_bytes}
    (row,) = ask(capsys, str(before), "select sum(count) n, sum(shallow_bytes) b from types")
    assert row == {"n": ours.object_count, "b": ours.total_bytes}
    (row,) = ask(capsys, str(before), "select count(*) n from edges where kind <> 'weak'")
    assert row == {"n": count_references(ours)}


def test_sql_joins_edges_with_objects(before: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = """
        select e.name as name, count(*) as n
        from edges e join objects a on a.id = e.from_id join objects b on b.id = e.to_id
        where a.type = '__main__.Lesson' and e.kind = 'attribute' and b.type <> 'type'
        group by all order by 1
    """
    found = ask(capsys, str(before), sql)
    assert {row["name"]: row["n"] for row in found} == {"raw": 201, "tags": 201, "title": 201}


def test_sql_over_two_snapshots_tells_them_apart(
    snapshots: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sql = "select snapshot, count from types where type = '__main__.Lesson' order by count"
    found = ask(capsys, *map(str, snapshots), sql)
    assert [(Path(row["snapshot"]).stem, row["count"]) for row in found] == [
        ("before", 201),
        ("after", 451),
    ]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_tables_are_files_that_arrow_reads(before: Path, tmp_path: Path, kind: str) -> None:
    import pyarrow.ipc
    import pyarrow.parquet

    directory = export(before, kind, tmp_path / "tables")
    tables = {}
    for name in ("objects", "edges", "types", "roots"):
        file = directory / f"{name}.{kind}"
        if kind == "parquet":
            tables[name] = pyarrow.parquet.read_table(file)
        else:
            tables[name] = pyarrow.ipc.open_file(file).read_all()
    ours = _analysis.HeapGraph(before)
    assert tables["objects"].num_rows == ours.object_count
    assert sum(tables["objects"]["size_bytes"].to_pylist()) == ours.total_bytes
    assert tables["roots"].num_rows >= 1


def test_a_format_of_the_other_kind_of_file_is_refused_in_one_line(
    before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(before), "-f", "pprof"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "heapsnapshot" in error


def test_an_export_never_replaces_what_is_there_or_the_snapshot(
    before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    assert main(["export", str(before), "-f", "json", "-o", str(there)]) == 2
    assert there.read_text() == "mine"
    assert main(["export", str(before), "-f", "json", "-o", str(before), "--force"]) == 2
    assert "exists" in capsys.readouterr().err

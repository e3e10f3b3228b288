"""`heapscope heap` and `heapscope diff` of heap snapshots, as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.one_version

PROGRAM = """
import heapscope, sys
class Lesson:
    def __init__(self, number):
        self.title = f"lesson {number}"
RINGS = [[] for _ in range(70)]
for ring in RINGS:
    ring.append({"ring": ring})
class Watcher:
    def __init__(self):
        self.changed = lambda: self
    def __del__(self):
        pass
WATCHERS = [Watcher() for _ in range(5)]
COURSE = [Lesson(index) for index in range(3000)]
heapscope.heap().save("a.hsnap")
COURSE += [Lesson(index) for index in range(2000)]
heapscope.heap().save("b.hsnap")
"""


def heapscope(*arguments: str, cwd: Path, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heapscope", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env={"COLUMNS": str(columns), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with two snapshots of one program, the later with 2,000 more lessons."""
    directory = tmp_path_factory.mktemp("snapshots")
    (directory / "work.py").write_text(PROGRAM)
    subprocess.run([sys.executable, "work.py"], cwd=directory, check=True, timeout=120)
    other = "import heapscope; heapscope.heap().save('other.hsnap')"
    subprocess.run([sys.executable, "-c", other], cwd=directory, check=True, timeout=120)
    return directory


def told(*arguments: str, cwd: Path) -> dict[str, Any]:
    ended = heapscope(*arguments, "--json", cwd=cwd)
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def test_the_document_has_the_keys_of_the_contract_and_adds_up(snapshots: Path) -> None:
    document = told("heap", "a.hsnap", cwd=snapshots)
    assert document["schema"] == "heapscope/heap/1"
    assert sum(row["count"] for row in document["kinds"]) == document["objects"]
    assert sum(row["shallow_bytes"] for row in document["kinds"]) == document["total_bytes"]
    [lessons] = [row for row in document["kinds"] if row["kind"] == "__main__.Lesson"]
    assert lessons["count"] == 3000
    assert lessons["retained_bytes"] > lessons["shallow_bytes"]
    assert 0.9 < document["named_root_share"] <= 1
    assert isinstance(document["unreachable"], int)


def test_a_limit_hides_rows_and_says_what_is_in_them(snapshots: Path) -> None:
    document = told("heap", "a.hsnap", "--limit", "3", cwd=snapshots)
    assert len(document["kinds"]) == 3
    shown = sum(row["shallow_bytes"] for row in document["kinds"])
    assert shown + document["hidden"]["shallow_bytes"] == document["total_bytes"]


def test_tables_fit_80_columns(snapshots: Path) -> None:
    for arguments in (
        ["heap", "a.hsnap"],
        ["heap", "--retained", "a.hsnap"],
        ["heap", "--by", "class", "a.hsnap"],
        ["heap", "--by", "module", "a.hsnap"],
        ["heap", "--roots", "a.hsnap"],
        ["heap", "--cycles", "a.hsnap"],
        ["heap", "--code-cycles", "a.hsnap"],
        ["heap", "--compare", "other.hsnap", "b.hsnap"],
        ["heap", "--compare", "a.hsnap", "b.hsnap"],
        ["diff", "a.hsnap", "b.hsnap"],
    ):
        ended = heapscope(*arguments, cwd=snapshots)
        assert ended.returncode == 0, ended.stderr
        assert ended.stderr == ""
        assert max(map(len, ended.stdout.splitlines())) <= 80, arguments
        assert len(ended.stdout.splitlines()) > 3


def test_who_holds_a_type_is_told_for_all_of_its_objects(snapshots: Path) -> None:
    paths = told("heap", "--paths", "Lesson", "a.hsnap", cwd=snapshots)["paths"]
    assert paths["type"] == "__main__.Lesson"
    assert sum(row["count"] for row in paths["holders"]) == paths["count"] == 3000
    assert paths["holders"][0]["pattern"] == "sys.modules['__main__'].COURSE[*]"
    assert paths["paths"][0]["path"].startswith("sys.modules['__main__'].COURSE[")
    ended = heapscope("heap", "--paths", "NoSuchType", "a.hsnap", cwd=snapshots)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1


def test_cycles_are_told_with_the_reference_that_closes_them(snapshots: Path) -> None:
    document = told("heap", "--cycles", "--code-cycles", "a.hsnap", cwd=snapshots)
    rows = document["cycles"]
    assert not any("type" in row["types"] or "module" in row["types"] for row in rows)
    [watchers] = [row for row in rows if "__main__.Watcher" in row["types"]]
    assert (watchers["count"], watchers["garbage"]) == (5, 0)
    assert watchers["finalizers"] == 5
    assert watchers["finalizer_types"] == ["__main__.Watcher"]
    code = document["code_in_cycles"]
    assert code["classes"] > 200  # each is in a cycle with its own __mro__
    assert any(row["types"][:2] == ["type", "tuple"] for row in document["code_cycles"])
    assert (
        sum(row["objects"] for row in document["code_cycles"]) >= code["classes"] + code["others"]
    )
    [rings] = [row for row in rows if sorted(row["types"]) == ["dict", "list"]]
    assert rings["count"] == 70
    assert rings["objects"] == 140
    assert rings["example"]["closing"]["name"] in ("['ring']", "[0]")


def test_a_comparison_tells_what_is_new_and_who_holds_it(snapshots: Path) -> None:
    document = told("heap", "--compare", "a.hsnap", "b.hsnap", cwd=snapshots)
    [lessons] = [row for row in document["rows"] if row["kind"] == "__main__.Lesson"]
    assert (lessons["delta_count"], lessons["status"]) == (2000, "grown")
    rows = [row for row in document["new"] if row["type"] == "__main__.Lesson"]
    assert sum(row["objects"] for row in rows) == 2000
    assert "COURSE" in rows[0]["held_by"]
    assert rows[0]["freed_bytes"] > rows[0]["bytes"]


def test_of_two_processes_no_object_is_called_new(snapshots: Path) -> None:
    document = told("heap", "--compare", "other.hsnap", "b.hsnap", cwd=snapshots)
    assert not document["same_process"]
    assert [document[key] for key in ("new", "identity", "unproven")] == [None] * 3
    delta = sum(row["delta_bytes"] for row in document["rows"])
    assert delta == document["total_b"] - document["total_a"] != 0
    printed = heapscope("heap", "--compare", "other.hsnap", "b.hsnap", cwd=snapshots).stdout
    assert "Two processes: counts and bytes are compared" in printed
    assert "only B" in printed  # the class Lesson
    assert "new" not in printed.split()
    refused = heapscope("heap", "--by", "id", "--compare", "other.hsnap", "b.hsnap", cwd=snapshots)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    look = """
import heapscope
earlier, later = heapscope.Heap.load("other.hsnap"), heapscope.Heap.load("b.hsnap")
found = later.compare(earlier)
assert not found.same_process and found.new is found.gone is found.unproven is None
assert sum(row["delta_bytes"] for row in found.rows) == found.delta_bytes
assert found.delta_bytes == later.size - earlier.size
assert "Two processes" in repr(found)
assert later.graph.compare(earlier.graph)["total"]["new_count"] is None
for ask in (later.relative_to, lambda heap: later.suspects([heap])):
    try:
        ask(earlier)
    except ValueError as error:
        assert "two processes" in str(error)
    else:
        raise AssertionError(ask)
earlier = heapscope.Heap.load("a.hsnap")
found = later.compare(earlier, by="class")
assert found.same_process
assert found.new.by_type.of_kind("__main__.Lesson").count == 2000
assert "objects are new" in repr(found)
assert sum(row["delta_count"] for row in found.rows) == found.delta_count
"""
    subprocess.run([sys.executable, "-c", look], cwd=snapshots, check=True, timeout=120)


def test_a_difference_of_snapshots_can_fail_a_job(snapshots: Path) -> None:
    document = told("diff", "a.hsnap", "b.hsnap", cwd=snapshots)
    assert document["schema"] == "heapscope/diff/1"
    delta = sum(row["delta_bytes"] for row in document["rows"])
    assert delta == document["total_b"] - document["total_a"]
    failed = heapscope("diff", "a.hsnap", "b.hsnap", "--fail-if", "objects>+1000", cwd=snapshots)
    assert failed.returncode == 1
    assert "check failed: objects>+1000" in failed.stderr
    passed = heapscope("diff", "a.hsnap", "b.hsnap", "--fail-if", "live>+1GiB", cwd=snapshots)
    assert passed.returncode == 0
    unknown = heapscope("diff", "a.hsnap", "b.hsnap", "--fail-if", "peak>+1GiB", cwd=snapshots)
    assert unknown.returncode == 2


def test_snapshots_are_kept_and_never_overwritten_unasked(snapshots: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.hsnap"
    assert heapscope("heap", "-o", str(kept), "a.hsnap", cwd=snapshots).returncode == 0
    assert told("heap", str(kept), cwd=snapshots)["objects"] > 3000
    again = heapscope("heap", "-o", str(kept), "a.hsnap", cwd=snapshots)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert heapscope("heap", "--force", "-o", str(kept), "a.hsnap", cwd=snapshots).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing.hsnap"],
        ["work.hsnap.d"],
        ["--at-peak", "a.hsnap"],
        ["--by", "nothing", "a.hsnap"],
        ["--browse", "a.hsnap"],
        ["999999999"],
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(snapshots: Path, arguments: list[str]) -> None:
    ended = heapscope("heap", *arguments, cwd=snapshots)
    assert ended.returncode == 2
    assert ended.stderr.startswith("heapscope: ")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_a_program_is_looked_at_when_it_ends(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        "import sys\nclass Lesson: pass\nKEPT = [Lesson() for _ in range(100)]\n"
        "print(sys.argv)\nsys.exit(3)\n"
    )
    ended = heapscope("heap", "--json", "work.py", "-x", cwd=tmp_path)
    assert ended.returncode == 3
    first, _, rest = ended.stdout.partition("\n")
    assert first == "['work.py', '-x']"
    kinds = {row["kind"]: row["count"] for row in json.loads(rest)["kinds"]}
    assert kinds["__main__.Lesson"] == 100
    assert not any(kind.startswith("heapscope.") for kind in kinds)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work.py"]


def test_a_program_can_keep_its_snapshot(tmp_path: Path) -> None:
    code = "class Lesson: pass\nKEPT = [Lesson() for _ in range(10)]"
    ended = heapscope("heap", "-o", "x.hsnap", "-c", code, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    kinds = {row["kind"]: row["count"] for row in told("heap", "x.hsnap", cwd=tmp_path)["kinds"]}
    assert kinds["__main__.Lesson"] == 10


def test_allocation_sites_are_of_tracked_programs_and_others_are_told_so(snapshots: Path) -> None:
    for arguments in (["a.hsnap"], ["--browse", "a.hsnap"], ["--compare", "a.hsnap", "b.hsnap"]):
        refused = heapscope("heap", "--by", "site", *arguments, cwd=snapshots)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.count("\n") == 1
        assert "taken without tracking" in refused.stderr
    program = "class Lesson: pass\nkept = [Lesson() for _ in range(900)]"
    document = told("heap", "--by", "site", "--json", "-c", program, cwd=snapshots)
    assert max(row["count"] for row in document["kinds"] if "<string>:2" in row["kind"]) >= 900
    assert sum(row["count"] for row in document["kinds"]) == document["objects"]


def test_the_ways_of_being_held_sum_to_the_objects_shown_and_our_own(snapshots: Path) -> None:
    document = told("heap", "--roots", "a.hsnap", cwd=snapshots)
    coverage = document["coverage"]
    held = sum(coverage[f"{how}_objects"] for how in ("named", "immortal", "c"))
    assert held == document["objects"] + document["own_objects"]
    assert sum(row["reached_objects"] for row in document["roots"]) == coverage["named_objects"]
    [most, *_] = document["roots"]
    assert most["label"] == "sys.modules"
    assert most["reached_bytes"] > document["total_bytes"] / 2
    assert coverage["garbage_objects"] >= document["unreachable"]
    printed = heapscope("heap", "--roots", "a.hsnap", cwd=snapshots).stdout
    assert f"{document['own_objects']:,} of all these are heapscope's own" in printed


def test_what_is_too_small_to_be_a_suspect_is_said_with_its_size(snapshots: Path) -> None:
    document = told("heap", "--suspects", "a.hsnap", cwd=snapshots)
    assert document["suspects"] == []
    assert document["least_finding_bytes"] == 1 << 20
    printed = heapscope("heap", "--suspects", "a.hsnap", cwd=snapshots).stdout
    assert "Nothing of 1.00 MiB or more looks like a leak" in printed


def test_the_rest_of_a_comparison_is_told_in_a_narrow_terminal_too(snapshots: Path) -> None:
    arguments = ("heap", "--by", "id", "--compare", "a.hsnap", "--limit", "2", "b.hsnap")
    printed = heapscope(*arguments, cwd=snapshots, columns=72).stdout.splitlines()
    [rest] = [line for line in printed if "more rows" in line]
    assert rest.endswith("more rows (--limit N)")
    assert max(map(len, printed)) <= 72

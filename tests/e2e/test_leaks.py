"""`heapscope leaks` on programs that keep more and more, and on healthy twins of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ground_truth import marks, record

import heapscope

pytestmark = pytest.mark.one_version

GROWTH = Path(__file__).parent / "programs" / "growth.py"
KINDS = re.findall(r"^def (\w+)\(\) -> object", GROWTH.read_text(), re.MULTILINE)
LEAKING = [kind for kind in KINDS if kind in marks(GROWTH)]
HEALTHY = [kind for kind in KINDS if kind not in marks(GROWTH)]
PATTERNS = {
    "few_big_blocks": ("steps",),
    "slow": ("steps", "growing"),
}  # as many ticks as rounds, or fewer


def leaks(*arguments: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heapscope", "leaks", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={"COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8"},
    )


def suspects(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in document["rows"] if row["suspect"]]


@pytest.mark.parametrize("kind", LEAKING)
def test_the_line_that_keeps_more_and_more_is_the_only_finding(tmp_path: Path, kind: str) -> None:
    recorded = record(tmp_path, "growth", kind)
    document = recorded.capture.leaks()
    (row,) = suspects(document)
    assert (row["file"], row["line"]) == (str(GROWTH), marks(GROWTH)[kind])
    assert document["rows"][0] == row
    assert document["suspects"] == 1
    assert row["growth_bytes"] > 0
    assert row["growth_bytes_per_s"] > 0
    assert row["stack"][-1]["line"] == row["line"]
    assert row["caller"] is None
    assert row["live_bytes_over_time"][-1] == row["live_bytes"]
    assert sum(row["born_bytes_over_time"]) == row["live_bytes"]
    if kind in PATTERNS:
        assert row["pattern"] in PATTERNS[kind]


@pytest.mark.parametrize("kind", HEALTHY)
def test_what_does_not_keep_more_and_more_is_no_finding(tmp_path: Path, kind: str) -> None:
    document = record(tmp_path, "growth", kind).capture.leaks()
    assert suspects(document) == []
    assert not document["too_short"]


def test_the_leak_beside_a_larger_temporary_has_its_size_and_its_reason(tmp_path: Path) -> None:
    document = record(tmp_path, "growth", "beside_a_temporary").capture.leaks()
    (row,) = suspects(document)
    assert 300 * 200_000 <= row["growth_bytes"] < 301 * 201_000
    assert row["pattern"] == "growing"
    assert re.match(
        r"kept growing for \d+ m?s, to the end of the run; 601 of its \d+ blocks", row["reason"]
    ) or re.match(r"kept growing for [\d.]+ s, to the end of the run; 601 of its", row["reason"])


def test_the_rows_and_the_folded_ones_are_all_that_is_live(tmp_path: Path) -> None:
    capture = record(tmp_path, "growth", "late_import").capture
    document = capture.leaks()
    live = sum(row["live_bytes"] for row in document["rows"])
    assert live + document["folded"]["bytes"] == capture.live_bytes_at_end
    everything = capture.leaks(everything=True)
    assert sum(row["live_bytes"] for row in everything["rows"]) == capture.live_bytes_at_end
    assert everything["folded"] == {"rows": 0, "bytes": 0, "suspects": 0}
    assert {row["owner"] for row in everything["rows"]} >= {"program", "interpreter", "import"}


def test_the_same_capture_has_the_same_answer(tmp_path: Path) -> None:
    record(tmp_path, "growth", "small")
    path = str(tmp_path / "out.hscope")
    first, second = (leaks(path, "--json") for _ in range(2))
    assert first.stdout == second.stdout
    document = json.loads(first.stdout)
    assert document["schema"] == "heapscope/leaks/1"
    assert {
        "file", "line", "function", "stack", "live_bytes", "growth_bytes", "growth_bytes_per_s",
        "pattern", "suspect", "reason",
    } <= set(document["rows"][0])  # fmt: skip


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_terminal_shows_the_line_its_growth_and_why(tmp_path: Path, columns: int) -> None:
    record(tmp_path, "growth", "small")
    ended = leaks(str(tmp_path / "out.hscope"), columns=columns)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert re.match(r"1 line keeps growing: 2\d\.\d KiB in ", lines[0])
    assert lines[2].split()[:3] == ["grew", "a", "second"]
    curve = " +[▁▂▃▄▅▆▇█]{8}" if columns >= 60 else ""
    assert re.match(rf"2\d\.\d KiB +[\d.]+ KiB{curve}  ", lines[3])
    table = lines[2 : lines.index("", 2)]
    assert all(len(line) <= columns for line in table)
    words = " ".join(" ".join(lines).split())
    assert "kept growing for" in words


def test_nothing_is_said_plainly_and_the_rest_is_shown_when_asked(tmp_path: Path) -> None:
    record(tmp_path, "growth", "load_and_use")
    path = str(tmp_path / "out.hscope")
    ended = leaks(path)
    assert ended.stdout.startswith("Nothing kept growing in ")
    assert "growth.py" not in ended.stdout
    assert "--all shows them" in ended.stdout
    everything = leaks(path, "--all", "--limit", "3", columns=200).stdout
    assert re.search(r"plateau .*growth\.py:\d+  load_and_use", everything)
    assert "has not grown for the last" in " ".join(everything.split())
    assert len(re.findall(r"plateau|sawtooth|steps|growing ", everything)) <= 4


def test_a_recording_of_no_length_is_too_short(tmp_path: Path) -> None:
    path = tmp_path / "short.hscope"
    code = "import heapscope, sys\nwith heapscope.track(sys.argv[1]):\n    kept = bytearray(9000)"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
    ended = leaks(str(path))
    assert ended.returncode == 0
    assert "is too short to tell what grows: record a longer one" in ended.stdout
    assert heapscope.Capture(path).leaks()["too_short"]


def test_a_killed_programs_leak_is_found(tmp_path: Path) -> None:
    program = tmp_path / "killed.py"
    program.write_text(
        GROWTH.read_text().replace(
            "kept = globals()[sys.argv[1]]()",
            "kept = globals()[sys.argv[1]]()\n    import os\n\n    os.kill(os.getpid(), 9)",
        )
    )
    path = tmp_path / "killed.hscope"
    command = ["run", "-q", "-o", str(path), str(program), "small"]
    subprocess.run([sys.executable, "-m", "heapscope", *command], timeout=60)
    ended = leaks(str(path), "--json")
    (row,) = suspects(json.loads(ended.stdout))
    assert row["line"] == marks(program)["small"]
    assert "was killed" in ended.stderr


def test_wrong_usage_is_one_line(tmp_path: Path) -> None:
    for arguments in (["missing.hscope"], [str(GROWTH)], ["x.hscope", "--limit", "0"]):
        ended = leaks(*arguments)
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)

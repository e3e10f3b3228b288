"""`heapscope diff` on two versions of a program: moved code, sums, checks, exit codes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from heapscope import Capture
from heapscope.cli import checks
from heapscope.cli.main import main

pytestmark = pytest.mark.one_version

BEFORE = """\
def load():
    return [bytearray(100_000) for _ in range(20)]


def old():
    return bytearray(300_000)


def shrink():
    return bytearray(500_000)


def main():
    kept = load(), old(), shrink()
    return kept


kept = main()
"""
# The functions are further down, `load` keeps more, `old` is gone and `fresh` is new.
AFTER = """\
# A comment that was not there.
# And another.
def fresh():
    return bytearray(700_000)


def shrink():
    return bytearray(400_000)


def load():
    return [bytearray(100_000) for _ in range(30)]


def main():
    more = fresh()
    kept = load(), more, shrink()
    return kept


kept = main()
"""
METRICS = ("peak", "live", "allocated", "temporary", "count")
GROUPS = ("stack", "line", "function", "file", "module", "domain", "thread")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The captures of both versions, which lay in different directories."""
    captures = []
    for name, program in (("before", BEFORE), ("after", AFTER)):
        directory = tmp_path_factory.mktemp(name)
        (directory / "work.py").write_text(program)
        capture = str(directory / f"{name}.hscope")
        subprocess.run(
            [sys.executable, "-m", "heapscope", "run", "-q", "-o", capture, "work.py"],
            cwd=directory,
            check=True,
            timeout=60,
        )
        captures.append(capture)
    return captures[0], captures[1]


def diff(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["diff", *arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def summary(capsys: pytest.CaptureFixture[str], capture: str) -> dict[str, Any]:
    assert main(["summary", capture, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_functions_that_moved_are_compared_with_themselves(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = diff(capsys, *runs, "--group-by", "file", "--metric", "live")["rows"]
    (file,) = [row for row in rows if row["file"].endswith("work.py")]
    assert file["a_file"] != file["file"]
    assert file["delta_bytes"] == pytest.approx(10 * 100_000 + 400_000 - 100_000, abs=5_000)
    rows = diff(capsys, *runs, "--group-by", "function", "--metric", "live")["rows"]
    own = {row["function"]: row for row in rows if row["file"].endswith("work.py")}
    (loaded,) = [row for name, row in own.items() if name.startswith("load")]
    assert loaded["delta_bytes"] == pytest.approx(10 * 100_000, abs=5_000)
    assert loaded["status"] == "grown"
    assert (own["old"]["status"], own["fresh"]["status"]) == ("gone", "new")
    assert own["old"]["a_bytes"] == pytest.approx(300_000, abs=500)
    assert own["old"]["file"] == own["old"]["a_file"] == file["a_file"]
    assert own["fresh"]["a_file"] is None
    assert own["shrink"]["status"] == "shrunk"
    rows = diff(capsys, *runs, "--group-by", "line", "--metric", "live")["rows"]
    (line,) = [row for row in rows if row["function"].startswith("load") and row["a_bytes"] > 10**6]
    assert (line["a_line"], line["line"]) == (2, 12)


def test_stacks_are_the_same_when_their_frames_moved(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = diff(capsys, *runs, "--group-by", "stack", "--metric", "live")["rows"]
    row = next(row for row in rows if row["a_bytes"] > 10**6)
    assert row["b_bytes"] - row["a_bytes"] == row["delta_bytes"] > 900_000
    module, called, *_ = row["stack"]
    assert (module["function"], module["a_line"], module["line"]) == ("<module>", 18, 21)
    assert (called["function"], called["a_line"], called["line"]) == ("main", 14, 17)


@pytest.mark.parametrize("group", GROUPS)
def test_the_rows_of_every_group_sum_to_the_totals_and_their_difference(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str], group: str
) -> None:
    of_a, of_b = summary(capsys, runs[0]), summary(capsys, runs[1])
    keys = {"peak": "peak_bytes", "live": "live_bytes_at_end", "allocated": "allocated_bytes"}
    for metric in METRICS:
        document = diff(capsys, *runs, "--group-by", group, "--metric", metric)
        assert document["schema"] == "heapscope/diff/1"
        rows = document["rows"]
        delta = document["total_b"] - document["total_a"]
        assert sum(row["a_bytes"] for row in rows) == document["total_a"]
        assert sum(row["b_bytes"] for row in rows) == document["total_b"]
        assert sum(row["delta_bytes"] for row in rows) == delta
        assert sum(row["delta_blocks"] for row in rows) == (
            document["total_b_blocks"] - document["total_a_blocks"]
        )
        if metric in keys:
            assert document["total_a"] == of_a[keys[metric]]
            assert document["total_b"] == of_b[keys[metric]]
        limited = diff(capsys, *runs, "--group-by", group, "--metric", metric, "--limit", "1")
        assert len(limited["rows"]) == 1
        hidden = limited["hidden"]
        assert hidden["rows"] == len(rows) - 1
        assert hidden["delta_bytes"] + limited["rows"][0]["delta_bytes"] == delta


def test_a_capture_does_not_differ_from_itself(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for group in GROUPS:
        rows = diff(capsys, runs[0], runs[0], "--group-by", group, "--metric", "allocated")["rows"]
        assert rows
        assert {row["status"] for row in rows} == {"same"}
    assert main(["diff", runs[0], runs[0], "--fail-if", "live>+0", "--fail-if", "peak>+0%"]) == 0
    assert "that did not change" in capsys.readouterr().out


def test_the_same_is_said_in_python(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = Capture(runs[0]), Capture(runs[1])
    document = diff(capsys, *runs, "--group-by", "function", "--metric", "live", "--limit", "3")
    assert document.pop("checks") == []
    assert a.diff(b, "function", "live", 3) == document
    with pytest.raises(ValueError, match="group_by"):
        a.diff(b, "site")


def test_the_table_fits_and_cuts_no_figure(runs: tuple[str, str]) -> None:
    for group in GROUPS:
        ended = subprocess.run(
            [sys.executable, "-m", "heapscope", "diff", *runs, "--group-by", group, "--no-color"],
            env={**os.environ, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        lines = ended.stdout.splitlines()
        assert all(len(line) <= 80 for line in lines[2:]), ended.stdout
        figures = [line for line in lines[3:] if line[: len("+1.00 MiB")].strip()]
        for line in figures:
            if not line.lstrip().startswith(("<", "return", "kept", "more")):
                assert line.split()[1] in ("B", "KiB", "MiB"), line


def test_a_check_fails_one_byte_past_its_limit(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = summary(capsys, runs[0])["peak_bytes"], summary(capsys, runs[1])["peak_bytes"]
    assert main(["diff", *runs, "--fail-if", f"peak>{b}", "--fail-if", f"peak>+{b - a}"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["diff", *runs, "--fail-if", f"peak>{b - 1}", "--fail-if", f"peak>+{b - a}"]) == 1
    written = capsys.readouterr()
    assert written.err.startswith(f"heapscope: check failed: peak>{b - 1}: peak went from ")
    assert written.err.endswith(", 1 B over the limit\n")
    assert len(written.err.splitlines()) == 1
    assert "by line" in written.out


def test_every_check_that_fails_is_named_and_told_in_json(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ("peak > +1%", "allocations>+1e", "live>+0", "allocated>1TiB", "count>+0", "rss>1KiB")
    with_bad = [text for each in wanted for text in ("--fail-if", each)]
    assert main(["diff", *runs, *with_bad]) == 2
    assert "'allocations>+1e'" in capsys.readouterr().err
    good = [text for each in wanted if "1e" not in each for text in ("--fail-if", each)]
    assert main(["diff", *runs, *good, "--json"]) == 1
    written = capsys.readouterr()
    told = {check["check"]: check["failed"] for check in json.loads(written.out)["checks"]}
    assert told == {
        "peak > +1%": True, "live>+0": True, "allocated>1TiB": False, "count>+0": True,
        "rss>1KiB": True,
    }  # fmt: skip
    assert [line.split(":")[2].strip() for line in written.err.splitlines()] == [
        "peak > +1%", "live>+0", "count>+0", "rss>1KiB",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "peak", "peak>", "peak>5%", "peak>=5", "peak<5", "peek>5", "peak>-5", "peak>1XiB",
     "peak>1 2", "count>5KiB", "peak>1e3", "peak>nan", "peak>+٥%", "peak>+5%%", "peak>" + "9" * 40,
     "\npeak>1\n0"],
)  # fmt: skip
def test_what_is_no_check_is_wrong_usage_in_one_line(
    runs: tuple[str, str], capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert main(["diff", *runs, "--fail-if", text]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert len(written.err.splitlines()) == 1


def test_checks_are_exact() -> None:
    chance = random.Random(3)
    for _ in range(3_000):
        a, b = chance.choice((0, 1, 10**15)) + chance.randrange(1000), chance.randrange(2000)
        if chance.random() < 0.5:
            b += a
        number, places = chance.randrange(3000), chance.randrange(3)
        written = f"{number}.{'0' * places}5" if places else str(number)
        limit = Fraction(number) + (Fraction(5, 10 ** (places + 1)) if places else 0)
        before, after = {"peak_bytes": a}, {"peak_bytes": b}
        for text, most in (
            (f"peak>{written}", limit),
            (f"peak>+{written}", a + limit),
            (f"peak>+{written}%", a + a * limit / 100),
            (f"peak>{written}KiB", limit * 1024),
            (f"peak>+{written}MB", a + limit * 10**6),
        ):
            outcome = checks.apply(checks.parse(text), before, after)
            assert outcome.failed == (b > most), (text, a, b)


def test_a_figure_that_is_not_known_cannot_be_checked() -> None:
    with pytest.raises(ValueError, match="A does not know its peak rss bytes"):
        checks.apply(checks.parse("rss>+5%"), {"peak_rss_bytes": None}, {"peak_rss_bytes": 5})
    assert checks.apply(
        checks.parse("rss>4"), {"peak_rss_bytes": None}, {"peak_rss_bytes": 5}
    ).failed


def test_a_damaged_capture_is_compared_as_far_as_it_goes(
    runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.hscope"
    content = bytearray(Path(runs[1]).read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    assert main(["diff", runs[0], str(damaged), "--fail-if", "peak>1"]) == 3
    assert "is damaged" in capsys.readouterr().err


def test_what_is_no_capture_is_one_line(
    runs: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("no capture")
    for pair in ((runs[0], str(tmp_path / "text")), (str(tmp_path / "none"), runs[0])):
        assert main(["diff", *pair]) == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert len(written.err.splitlines()) == 1

"""`heapscope plot`: what is written in the picture, and that it is always the same."""

from __future__ import annotations

import itertools
import os
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from recorded import record

from heapscope import Capture
from heapscope.cli import units
from heapscope.cli.main import main
from heapscope.picture_events import bars, rows_of

pytestmark = pytest.mark.one_version

PROGRAM = """\
def load():
    return [bytearray(100_000) for _ in range(200)]


kept = load()
del kept
more = [str(number) for number in range(50_000)]
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return record(tmp_path_factory.mktemp("plot"), PROGRAM)


def texts(picture: Path) -> list[str]:
    root = ElementTree.fromstring(picture.read_bytes())
    found = root.iter("{http://www.w3.org/2000/svg}text")
    return ["".join(each.itertext()) for each in found]


def plot(*arguments: str) -> None:
    assert main(["plot", *arguments]) == 0


def test_every_line_and_the_peak_are_labelled(path: str, tmp_path: Path) -> None:
    picture = tmp_path / "out.svg"
    plot(path, "-o", str(picture), "-q")
    summary = Capture(path).summary()
    written = texts(picture)
    assert written[0] != ""
    assert "work.py" in written
    assert "seconds since the start" in written
    assert f"heap {units.size(summary['live_bytes_at_end'])}" in written
    assert any(text.startswith("RSS ") for text in written)
    assert any(text.startswith("Python ") for text in written)
    assert any(text.startswith(f"Peak {units.size(summary['peak_bytes'])} at ") for text in written)
    assert any(re.fullmatch(r"\d+ % from load.*work\.py:2", text) for text in written), written
    assert "0" in written


def test_marks_and_spans_are_named(tmp_path: Path) -> None:
    capture = record(
        tmp_path,
        """\
import heapscope
from heapscope import _tracker

span = _tracker.span_begin("loading $x^2$ <b>")
kept = [bytearray(100_000) for _ in range(300)]
heapscope.mark("half way")
kept += [bytearray(100_000) for _ in range(300)]
_tracker.span_end(span)
""",
    )
    plot(capture, "-o", str(tmp_path / "out.svg"), "-q")
    written = texts(tmp_path / "out.svg")
    assert "half way" in written
    assert "loading $x^2$ <b>" in written


@pytest.mark.parametrize("seed", range(20))
def test_bars_of_spans_never_overlap_in_a_row(seed: int) -> None:
    draw = random.Random(seed)
    events = []
    for number in range(200):
        begin = draw.uniform(0, 90)
        end = None if draw.random() < 0.05 else begin + draw.expovariate(0.3)
        events.append({"kind": "span", "label": str(number), "begin_s": begin, "end_s": end})
    placed = bars(events, 100)
    assert 1 <= rows_of(placed) <= 4
    for row in range(4):
        in_row = sorted((bar.begin, bar.end) for bar in placed if bar.row == row)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(in_row))


def test_the_same_capture_gives_the_same_picture(path: str, tmp_path: Path) -> None:
    for suffix, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        first, second = tmp_path / f"1{suffix}", tmp_path / f"2{suffix}"
        plot(path, "-o", str(first))
        plot(path, "-o", str(second))
        assert first.read_bytes() == second.read_bytes()
        assert first.read_bytes().startswith(magic)


def test_runs_on_top_of_each_other_are_told_apart(path: str, tmp_path: Path) -> None:
    other = record(tmp_path, "kept = bytearray(3_000_000)\n", name="other")
    third = record(tmp_path, "kept = bytearray(1_000_000)\n", script="third.py", name="third")
    picture = tmp_path / "out.svg"
    plot(path, other, third, "-o", str(picture))
    written = texts(picture)
    for label in ("work.py (work)", "work.py (other)", "third.py"):
        assert label in written
    for capture in (path, other, third):
        assert f"{units.size(Capture(capture).peak_bytes)} at peak" in written
    again = tmp_path / "again.svg"
    plot(other, other, "-o", str(again), "--title", "Twice")
    assert {"work.py (1)", "work.py (2)", "Twice"} <= set(texts(again))


def test_names_are_never_read_as_mathematics_or_markup(tmp_path: Path) -> None:
    name = "a$x_1^2$b <b> & \\alpha {.py"
    capture = record(tmp_path, "kept = bytearray(3_000_000)\n", script=name)
    picture = tmp_path / "out.svg"
    plot(capture, "-o", str(picture))
    written = texts(picture)
    assert name in written
    assert any(text.endswith(f"{name}:1") for text in written)
    plot(capture, capture, "-o", str(tmp_path / "two.svg"), "--title", "$\\frac{1}{0}$")
    written = texts(tmp_path / "two.svg")
    assert f"{name} (1)" in written
    assert "$\\frac{1}{0}$" in written


def test_letters_that_the_font_lacks_are_escapes_and_nothing_is_said(tmp_path: Path) -> None:
    name = "\u6f22\u202e\x1b\U0001f40d.py"
    capture = record(tmp_path, "kept = bytearray(3_000_000)\n", script=name)
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", "heapscope", "plot", capture, "-o", "out.svg"],
        cwd=tmp_path,
        env={**os.environ, "HOME": "/nowhere", "MPLCONFIGDIR": str(tmp_path / "none" / "such")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"\u6f22\u202e\x1b\U0001f40d.py" in texts(tmp_path / "out.svg")


def test_settings_of_the_users_do_not_change_the_picture(path: str, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text(
        "text.usetex: True\naxes.spines.top: True\nsvg.fonttype: path\nfont.size: 40\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "plot", path, "-o", "out.svg", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    plot(path, "-o", str(tmp_path / "plain.svg"))
    assert (tmp_path / "out.svg").read_bytes() == (tmp_path / "plain.svg").read_bytes()


def test_the_picture_is_beside_the_capture_and_nothing_is_overwritten(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = Path(path).with_suffix(".png")
    plot(path)
    assert capsys.readouterr().out.startswith(f"{picture}  ")
    before = picture.read_bytes()
    assert main(["plot", path]) == 2
    assert "--force" in capsys.readouterr().err
    plot(path, "--force")
    assert picture.read_bytes() == before


def test_a_format_that_is_none_is_refused(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("out.gif", "out", "out.png.txt"):
        assert main(["plot", path, "-o", str(tmp_path / name)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_one_line_that_says_what_to_install(path: str, tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError('-', name='matplotlib')")
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "plot", path, "-o", str(tmp_path / "out.png")],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ended.stderr == "heapscope: matplotlib is not installed: pip install 'heapscope[plot]'\n"
    assert not (tmp_path / "out.png").exists()


def test_a_run_that_ended_within_one_tick_is_drawn(tmp_path: Path) -> None:
    capture = record(tmp_path, "")
    plot(capture, "-o", str(tmp_path / "out.svg"))
    assert any(text.startswith("heap ") for text in texts(tmp_path / "out.svg"))

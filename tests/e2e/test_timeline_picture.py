"""Pictures of timelines: what is written in them, and that nothing in a file spoils them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from heapscope.cli.main import main
from heapscope.timeline import series
from heapscope.timeline.dat_reader import Curve, Span, read

pytestmark = pytest.mark.one_version

MIB = 1048576
RUN = """\
CMDLINE python $a_1$ "work".py
INFO process 7
MEM 10.0 1000.0
MEM 10.0 1001.0
MEM 90.0 1001.5
HIGH 90.0 1001.0 1002.0
MEM 30.0 1002.0
GAP 1002.0 1003.0
MEM 50.0 1003.0
MEM 50.0 1004.0
CHLD 8 5.0 1001.0
CHLD 8 25.0 1002.0
CHLD 9 12.0 1003.0
FUNC pkg.mod.load 10.0 1000.5 10.0 1002.0 0 7 7
FUNC pkg.mod.parse 10.0 1001.0 30.0 1001.5 1 7 7
FUNC pkg.mod.parse 10.0 1001.6 30.0 1001.9 1 7 7
FUNC other.load 3.0 1003.0 3.0 1003.5 0 8 8
ENTER pkg.mod.open 50.0 1003.6 0 7 7
MARK 1002.5 7 7 a mark $x^2$
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    (tmp_path / "run.dat").write_text(RUN)
    return str(tmp_path / "run.dat")


def drawn(path: str, *options: str) -> list[str]:
    """Return the texts of a picture."""
    picture = Path(path).with_name("out.svg")
    assert main(["timeline", "plot", path, "-o", str(picture), "--force", "-q", *options]) == 0
    root = ElementTree.fromstring(picture.read_bytes())
    found = root.iter("{http://www.w3.org/2000/svg}text")
    return ["".join(each.itertext()) for each in found]


def test_curve_peak_children_calls_and_marks_have_their_names(path: str) -> None:
    texts = drawn(path)
    for wanted in (
        'python $a_1$ "work".py',
        "seconds since the start",
        "RSS 50.0 MiB",
        "Peak 90.0 MiB at 1.5 s",
        "child 8",
        "25.0 MiB at most",
        "child 9",
        "parse  2 × 400 ms",
        "mod.load  1.5 s",
        "other.load  500 ms",
        "open  400 ms",
        "a mark $x^2$",
    ):
        assert wanted in texts, (wanted, texts)


def test_a_flame_names_the_calls_in_their_bars(path: str) -> None:
    texts = drawn(path, "--flame")
    assert [text for text in texts if "load" in text] == ["mod.load", "other.load"]
    assert not any("×" in text for text in texts)


def test_options_leave_out_and_put_above(path: str) -> None:
    texts = drawn(path, "-n", "-t", "My title")
    assert "My title" in texts
    assert not any("load" in text for text in texts)
    assert 'python $a_1$ "work".py' not in texts


def test_the_window_bounds_the_peak_and_the_slope(path: str) -> None:
    texts = drawn(path, "--slope", "--window", "2.9,4", "-n")
    assert "Peak 50.0 MiB at 3.0 s" in texts
    assert "+0.0000 MiB/s" in texts
    assert "from 3 to 4 s" in texts


def test_several_runs_are_told_apart(path: str, tmp_path: Path) -> None:
    for name, command in (("same", "python same.py"), ("twin", "python same.py")):
        (tmp_path / f"{name}.dat").write_text(f"CMDLINE {command}\nMEM 1.0 5.0\nMEM 9.0 6.0\n")
    picture = tmp_path / "out.svg"
    names = [path, str(tmp_path / "same.dat"), str(tmp_path / "twin.dat")]
    assert main(["mprof", "plot", *names, "-o", str(picture), "--slope"]) == 0
    text = picture.read_text()
    for wanted in ("2: same", "3: twin", "work", "+8.00 MiB/s", "Memory, run by run"):
        assert wanted in text


def test_the_same_file_gives_the_same_picture(path: str, tmp_path: Path) -> None:
    for suffix, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        for name in ("1", "2"):
            assert main(["timeline", "plot", path, "-o", str(tmp_path / (name + suffix))]) == 0
        first = (tmp_path / f"1{suffix}").read_bytes()
        assert first == (tmp_path / f"2{suffix}").read_bytes()
        assert first.startswith(magic)
    assert main(["timeline", "plot", path]) == 0
    assert (tmp_path / "run.png").exists()
    assert main(["timeline", "plot", path]) == 2  # never over another
    assert main(["timeline", "plot", path, "-o", str(tmp_path / "out.gif")]) == 2


def test_a_backend_without_a_window_writes_beside_the_file(path: str, tmp_path: Path) -> None:
    assert main(["mprof", "plot", "--backend", "agg", path]) == 0
    assert (tmp_path / "run.png").exists()


@pytest.mark.parametrize(
    "text",
    [
        "MEM 1.0 5.0\n",
        "MEM 0.0 5.0\nMEM 0.0 5.0\n",
        "MEM 1.0 5.0\nMEM 1.0 39999999999.0\n",
        "MEM 1.0 5.0\nMEM 4000000000000.0 5.1\n",
        "MEM 1.0 5.0\nFUNC f 1.0 5.0 1.0 5.0 10000\n",
        "MEM 1.0 5.0\n" + "".join(f"FUNC f{n} 1.0 {5 + n} 1.0 {6 + n} {n}\n" for n in range(300)),
        "MEM 1.0 5.0\n" + "".join(f"MARK 5.{n} 1 1 {'x' * 300}\n" for n in range(300)),
        "MEM 1.0 5.0\n" + "".join(f"CHLD {n} 5.0 5.{n}\n" for n in range(1, 200)),
        "MEM 1.0 5.0\nMEM 2.0 6.0\n" + "GAP 5.0 6.0\nHIGH 3.0 5.0 6.0\n" * 300,
        "".join(f"MEM {n % 97}.0 {n / 10}\n" for n in range(30_000)),
        "MEM 1.0 5.0\n"
        + "".join(f"FUNC {'x.' * 9000}{n} 1.0 {n} 1.0 {n + 9} {n % 40}\n" for n in range(99)),
        "CMDLINE \u202e\x1b[31m" + "\u4e00" * 300 + "\nMEM 1.0 5.0\n",
    ],
)
def test_any_file_can_be_drawn(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.dat"
    path.write_text(text)
    options = ["--flame", "--slope"] if len(text) % 2 else []
    assert any(each.startswith("Peak ") for each in drawn(str(path), *options))


def test_a_slope_is_that_of_the_line_wherever_the_samples_are() -> None:
    curve = Curve()
    times = [1000 + 0.1 * n for n in range(50)] + [1005 + n for n in range(20)]
    for at in times:
        curve.add(at, 5 * MIB + 3 * MIB * (at - 1000))
    found = series.slope(series.cut(curve, 1000, (0, 100)))
    assert found is not None
    assert found.bytes_per_s == pytest.approx(3 * MIB)
    assert found.at_start == pytest.approx(5 * MIB)
    assert re.fullmatch(r"\+3\.00 MiB/s\nfrom 0 to 24 s", series.slope_text(found))
    assert series.slope(series.cut(curve, 1000, (0, 0))) is None


def test_thinning_keeps_every_extreme() -> None:
    curve = Curve()
    for n in range(50_000):
        curve.add(n, 1000 + (n % 7) + (5000 if n == 12_345 else 0) - (900 if n == 23_456 else 0))
    whole = series.cut(curve, 0, (0, 50_000))
    thin = series.thin(whole)
    assert len(thin.times) < 7000
    assert thin.peak() == whole.peak() == (12_345, 1000 + 12_345 % 7 + 5000)
    assert min(thin.sizes) == min(whole.sizes)
    assert list(thin.times) == sorted(thin.times)


def test_calls_that_overlap_never_share_a_row() -> None:
    def call(start: float, end: float | None, level: int, thread: int = 1) -> Span:
        return Span("f", start, end, 0, 0, level, 1, thread)

    spans = [
        call(0, 10, 0),
        call(1, 5, 1),
        call(2, 8, 1),  # a coroutine beside the one before
        call(6, 7, 1),
        call(3, None, 0, thread=2),
    ]
    rows = series.placed(spans, 0, 20, (0, 20))
    for one in rows:
        for other in rows:
            if one is not other and one.row == other.row:
                assert one.end <= other.start or other.end <= one.start
    assert max(row.end for row in rows) == 20


def test_names_are_as_short_as_they_can_be_told_apart() -> None:
    assert series.short_names(["a.b.f", "a.c.f", "a.b.g", "f", "x.<locals>.h"]) == {
        "a.b.f": "b.f",
        "a.c.f": "c.f",
        "a.b.g": "g",
        "f": "f",
        "x.<locals>.h": "h",
    }


def test_a_command_and_file_names_are_as_they_are(path: str) -> None:
    assert read(path).command == 'python $a_1$ "work".py'

"""The .dat files of mprof and of ours: what is read of them, whatever is in them."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from heapscope.cli.main import main
from heapscope.timeline import profiles
from heapscope.timeline.dat_reader import TimelineError, read
from heapscope.timeline.dat_writer import DatFile

pytestmark = pytest.mark.one_version

MIB = 1048576
OF_MPROF = """\
CMDLINE python example.py
FUNC __main__.outer 20.0000 1000.1000 30.0000 1000.9000 0
FUNC __main__.inner 21.0000 1000.2000 22.0000 1000.3000 1
FUNC __main__.inner 21.5000 1000.4000 25.0000 1000.6000 1
MEM 18.500000 1000.0000
CHLD 77 5.500000 1000.0001
MEM 40.250000 1000.5000
CHLD 77 9.000000 1000.5001
CHLD 0 0.000000 1000.5002
MEM 19.000000 1001.0000
"""


def written(directory: Path, text: str | bytes) -> str:
    path = directory / "x.dat"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_file_of_mprof_is_read_whole(tmp_path: Path) -> None:
    timeline = read(written(tmp_path, OF_MPROF))
    assert timeline.command == "python example.py"
    assert list(timeline.total.times) == [1000.0, 1000.5, 1001.0]
    assert [size / MIB for size in timeline.total.sizes] == [18.5, 40.25, 19.0]
    assert list(timeline.children) == [77]  # 0 stands for one that ended while it was asked
    assert timeline.children[77].peak() == (1000.5001, 9.0 * MIB)
    assert [(span.name, span.level) for span in timeline.spans] == [
        ("__main__.outer", 0),
        ("__main__.inner", 1),
        ("__main__.inner", 1),
    ]
    assert timeline.damaged_lines == 0
    assert (timeline.start, timeline.end) == (1000.0, 1001.0)


def test_the_peak_of_a_function_is_that_of_its_calls(tmp_path: Path) -> None:
    timeline = read(written(tmp_path, OF_MPROF))
    assert timeline.peak() == (1000.5, 40.25 * MIB)
    assert timeline.peak("__main__.inner") == (1000.5, 40.25 * MIB)
    assert timeline.peak("inner") == timeline.peak("__main__.inner")
    assert timeline.peak("nner") is None
    first = OF_MPROF.replace("FUNC __main__.inner 21.5000", "FUNC __main__.late 21.5000")
    assert read(written(tmp_path, first)).peak("inner") == (1000.3, 22.0 * MIB)


def test_calls_without_an_end_reach_to_the_end(tmp_path: Path) -> None:
    text = "ENTER m.f 3.0 1000.5 0 7 8\nENTER m.g 3.0 1000.6 1 7 8\nMEM 50.0 1000.7\n"
    text += "FUNC m.g 3.0 1000.6 3.0 1000.65 1 7 8\nMEM 2.0 1000.1\n"
    timeline = read(written(tmp_path, text))
    assert [(span.name, span.end) for span in timeline.spans] == [("m.f", None), ("m.g", 1000.65)]
    assert timeline.peak("f") == (1000.7, 50.0 * MIB)
    assert list(timeline.total.times) == [1000.1, 1000.7]  # brought into order


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("MEM nan 1000.0", "nan"),
        ("MEM inf 1000.0", "inf"),
        ("MEM -1.0 1000.0", "-1.0"),
        ("MEM 1e300 1000.0", "no machine"),
        ("MEM 1.0 1e12", "no time"),
        ("MEM 1.0", "1 of 2"),
        ("MEM", "0 of 2"),
        ("MEM one two", "could not convert"),
        ("CHLD 1.5 2 3", "invalid literal"),
        ("CHLD " + "9" * 400 + " 2 3", "number"),
        ("CHLD 5 2", "2 of 3"),
        ("FUNC f 1 2 3", "4 of 5"),
        ("FUNC f 1 1003 3 1002 0", "before its start"),
        ("FUNC f 1 2 3 4 level", "invalid literal"),
        ("FUNC f 1 2 3 4 -1", "number"),
        ("HIGH 1 2", "2 of 3"),
        ("GAP 1", "1 of 2"),
        ("ENTER f 1 2 0 1", "5 of 6"),
        ("SKIP f many 2", "invalid literal"),
        ("MARK now 1 1 x", "could not convert"),
        ("mem 1.0 1000.0", "not a line"),
        ("\x00\x01\x02\xff binary", "not a line"),
    ],
)
def test_a_line_that_cannot_be_is_told_and_left_out(
    tmp_path: Path, line: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, f"MEM 5.0 1000.0\n{line}\nMEM 6.0 1001.0\n".encode("latin-1"))
    timeline = read(path)
    assert [size / MIB for size in timeline.total.sizes] == [5.0, 6.0]
    assert not timeline.spans
    assert timeline.damaged_lines == 1
    assert timeline.damage[0].startswith("line 2: ")
    assert reason in timeline.damage[0]
    assert main(["timeline", "peak", path]) == 3
    out, err = capsys.readouterr()
    assert "6.00 MiB at 1.0 s" in out
    assert len(err.splitlines()) == 1
    assert err.startswith("heapscope: x.dat is damaged: line 2: ")


def test_a_file_that_is_cut_short_is_read_up_to_there(tmp_path: Path) -> None:
    lines = OF_MPROF.splitlines(keepends=True)
    for length in range(len(OF_MPROF)):
        path = written(tmp_path, OF_MPROF[:length])
        try:
            timeline = read(path)
        except TimelineError:
            assert length < len(lines[0] + lines[1])  # of a command alone any part is one
            continue
        whole = [line for line in OF_MPROF[:length].splitlines(keepends=True) if line[-1] == "\n"]
        assert len(timeline.total) == sum(line.startswith("MEM") for line in whole)
        assert len(timeline.spans) == sum(line.startswith("FUNC") for line in whole)


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"hello\n", bytes(range(256)) * 40, b"{}" * 9000]
)
def test_what_is_no_dat_file_is_refused_in_one_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, content)
    for verb in (["timeline", "peak"], ["timeline", "plot"], ["mprof", "peak"], ["mprof", "plot"]):
        assert main([*verb, path]) == 2
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
    assert os.listdir(tmp_path) == ["x.dat"]


def test_random_bytes_among_good_lines_never_end_in_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(5)
    for _ in range(150):
        data = bytearray(OF_MPROF.encode())
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[at] = chance.randrange(256)
            else:
                del data[at : at + chance.randrange(40)]
                data[at:at] = chance.randbytes(chance.randrange(40))
        try:
            timeline = read(written(tmp_path, bytes(data)))
        except TimelineError:
            continue
        assert all(0 <= size < 1 << 62 for size in timeline.total.sizes)
        assert list(timeline.total.times) == sorted(timeline.total.times)


def test_a_line_of_any_length_is_taken_in_pieces(tmp_path: Path) -> None:
    text = "CMDLINE " + "x" * 500_000 + "\nMEM 1.0 1000.0\nMEM 2.0 " + "1" * 500_000 + "\n"
    timeline = read(written(tmp_path, text + "MEM 3.0 1001.0\n"))
    assert [size / MIB for size in timeline.total.sizes] == [1.0, 3.0]
    assert timeline.damaged_lines == 1


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Random histories through the writer and the reader."""
    chance = random.Random(11)
    for _ in range(20):
        path, file = profiles.new_file(str(tmp_path / f"{chance.random()}.dat"))
        dat = DatFile(file)
        command = [chance.choice(["a b", "ü\n", "x\x1b[31m", "é" * 50]) for _ in range(3)]
        dat.command(command)
        dat.info("interval", 0.1)
        at, points, children = 1_700_000_000.0, [], []
        for _ in range(chance.randrange(1, 60)):
            at += chance.choice([0.0001, 0.1, 1.0])
            size = chance.randrange(1 << 40)
            if chance.random() < 0.3:
                dat.child(9, size, at)
                children.append((at, size))
            elif chance.random() < 0.3:
                dat.high(size, at - 0.05, at + 0.05, at)
                points.append((at, size))
            else:
                dat.sample(size, at)
                points.append((at, size))
        dat.close()
        timeline = read(path)
        assert timeline.damaged_lines == 0
        assert timeline.info == {"interval": "0.1"}
        for curve, wanted in (
            (timeline.total, points),
            (timeline.children.get(9), children),
        ):
            times, sizes = ([], []) if curve is None else (curve.times, curve.sizes)
            assert list(times) == pytest.approx([when for when, _ in wanted], abs=1e-4)
            assert list(sizes) == pytest.approx([size for _, size in wanted], abs=1)
        assert dat.highest == max((size for _, size in points), default=0)
        assert "\n" not in (timeline.command or "")


def test_a_disk_that_is_full_is_told_and_not_raised() -> None:
    dat = DatFile(os.open("/dev/full", os.O_WRONLY))
    dat.sample(MIB, 1000.0)
    dat.sample(2 * MIB, 1001.0)
    dat.close()
    assert dat.failure == "No space left on device"
    assert (dat.highest, dat.highest_at) == (2 * MIB, 1001.0)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for stamp in ("20240102030405", "20240102030406", "20231231235959"):
        (tmp_path / f"mprofile_{stamp}.dat").write_text(OF_MPROF)
    (tmp_path / "mprofile_2024010203040x.dat").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine too")
    return tmp_path


def test_files_are_chosen_by_number_name_or_as_the_newest(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb in ("mprof", "timeline"):
        for name, found in (
            ("0", "20231231235959"),
            ("-1", "20240102030406"),
            ("mprofile_20240102030405.dat", "20240102030405"),
        ):
            assert main([verb, "peak", name]) == 0
            assert f"mprofile_{found}.dat" in capsys.readouterr().out
        assert main([verb, "peak"]) == 0
        assert "mprofile_20240102030406.dat" in capsys.readouterr().out
        for name in ("7", "-9", "nothing.dat"):
            assert main([verb, "peak", name]) == 2
            assert len(capsys.readouterr().err.splitlines()) == 1


def test_mprofs_own_lines_are_kept_to_the_character(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mprof", "list"]) == 0
    assert capsys.readouterr().out == (
        "0 mprofile_20231231235959.dat 23:59:59 31/12/2023\n"
        "1 mprofile_20240102030405.dat 03:04:05 02/01/2024\n"
        "2 mprofile_20240102030406.dat 03:04:06 02/01/2024\n"
    )
    assert main(["mprof", "peak"]) == 0
    assert capsys.readouterr().out == (
        "Using last profile data.\n"
        "mprofile_20240102030406.dat\t40.250 MiB\n"
        "  Child 77\t\t\t9.000 MiB\n"
    )
    assert main(["mprof", "peak", "--func", "nothing", "0"]) == 0
    assert capsys.readouterr().out == "mprofile_20231231235959.dat\tNaN MiB\n"
    assert main(["mprof", "rm", "--dry-run", "0"]) == 0
    assert capsys.readouterr().out == "Files to be removed: \nmprofile_20231231235959.dat\n"


def test_clean_removes_what_mprof_names_and_nothing_else(directory: Path) -> None:
    assert main(["mprof", "clean", "--dry-run"]) == 0
    assert len(os.listdir(directory)) == 5
    assert main(["timeline", "clean"]) == 0
    assert sorted(os.listdir(directory)) == ["mprofile_2024010203040x.dat", "notes.txt"]


def test_rm_removes_no_file_of_another_kind(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["timeline", "rm", "0", "notes.txt"]) == 2
    assert "not removed" in capsys.readouterr().err
    assert len(os.listdir(directory)) == 5
    (directory / "old_ts.dat").write_text("FUNC f 1 2 3 4 0\n")
    (directory / "old.dat").write_text("MEM 1.0 2.0\n")
    assert main(["mprof", "rm", "old.dat"]) == 0
    assert not list(directory.glob("old*"))


def test_a_file_is_never_overwritten_unasked(directory: Path) -> None:
    with pytest.raises(TimelineError, match="exists"):
        profiles.new_file("notes.txt")
    path, file = profiles.new_file("notes.txt", force=True)
    os.close(file)
    assert Path(path).read_bytes() == b""
    names = []
    for _ in range(3):  # three within a second
        name, file = profiles.new_file(None)
        os.close(file)
        names.append(name)
    assert len(set(names)) == 3
    assert set(names) <= set(profiles.existing())

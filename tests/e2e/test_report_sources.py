"""Which source files a report takes in: names come from captures, which may be anybody's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from report_reader import Report, record

from heapscope import Capture
from heapscope.report import sources

pytestmark = pytest.mark.one_version


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return Capture(record(tmp_path_factory.mktemp("sources"), "x = bytearray(100_000)\n"))


def collect(
    capture: Capture, *names: str | Path, owner: int = 0, share: float = 1.0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What becomes of files of these names: the texts by name, and the summary."""
    files = [{"file": str(name), "owner": owner, "share": share} for name in names]
    embedded = sources.collect_sources(files, capture._capture, wanted=True)
    texts = {
        str(names[int(index)]): "\n".join("".join(line[::2]) for line in source["lines"])
        for index, source in json.loads(embedded.document)["files"].items()
    }
    return texts, embedded.summary


def test_only_python_sources_are_read(tmp_path: Path, capture: Capture) -> None:
    for name in ("a.py", "b.pyw", "c.pyi", "secret", "d.txt", "e.ipynb", "id_rsa"):
        (tmp_path / name).write_text("x = 1\n")
    names = [*tmp_path.iterdir(), Path("/etc/shadow"), Path("/etc/passwd")]
    texts, summary = collect(capture, *names)
    assert {Path(name).name for name in texts} == {"a.py", "b.pyw", "c.pyi"}
    assert summary["left_out"] == 6
    assert summary["reason"] == "6: not Python source"


def test_a_link_to_something_else_is_not_followed(tmp_path: Path, capture: Capture) -> None:
    (tmp_path / "secret").write_text("password")
    (tmp_path / "link.py").symlink_to("secret")
    (tmp_path / "real.py").write_text("x = 1")
    (tmp_path / "good.py").symlink_to("real.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    texts, summary = collect(capture, *(tmp_path / f"{n}.py" for n in ("link", "good", "loop")))
    assert texts == {str(tmp_path / "good.py"): "x = 1"}
    assert summary["left_out"] == 2


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path, capture: Capture) -> None:
    os.mkfifo(tmp_path / "fifo.py")  # opening it would wait for a writer
    (tmp_path / "directory.py").mkdir()
    (tmp_path / "zero.py").symlink_to("/dev/zero")
    names = ["fifo.py", "directory.py", "zero.py"]
    texts, summary = collect(capture, *(tmp_path / name for name in names))
    assert texts == {}
    assert summary["left_out"] == 3


def test_names_that_no_file_can_have_are_left_out(capture: Capture) -> None:
    names = ["nul\0.py", "x" * 5000 + ".py", "\udcff.py", "/missing/a.py", "../" * 5000 + "a.py"]
    texts, summary = collect(capture, *names)
    assert texts == {}
    assert summary["left_out"] == len(names)


def test_generated_code_has_no_file_and_is_not_counted(capture: Capture) -> None:
    texts, summary = collect(capture, "<string>", "<frozen os>", "<stdin>")
    assert (texts, summary["left_out"], summary["reason"]) == ({}, 0, None)


def test_libraries_are_taken_in_when_they_hold_a_thousandth(
    tmp_path: Path, capture: Capture
) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    assert collect(capture, tmp_path / "a.py", owner=1, share=0.001)[1]["files"] == 1
    assert collect(capture, tmp_path / "a.py", owner=1, share=0.000_99)[1]["files"] == 0
    assert collect(capture, tmp_path / "a.py", owner=0, share=0.0)[1]["files"] == 1


def test_a_large_file_is_left_out_and_counted(tmp_path: Path, capture: Capture) -> None:
    (tmp_path / "large.py").write_bytes(b"#" * (sources.MOST_BYTES + 1))
    (tmp_path / "fits.py").write_bytes(b"#" * sources.MOST_BYTES)
    texts, summary = collect(capture, tmp_path / "large.py", tmp_path / "fits.py")
    assert [Path(name).name for name in texts] == ["fits.py"]
    assert summary["reason"] == "1: too large"


def test_all_sources_together_have_a_limit(
    tmp_path: Path, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_BYTES_TOGETHER", 1000)
    for number in range(5):
        (tmp_path / f"{number}.py").write_text("#" * 300)
    texts, summary = collect(capture, *(tmp_path / f"{number}.py" for number in range(5)))
    assert sum(map(len, texts.values())) == 900
    assert summary["left_out"] == 2


def test_past_the_limit_of_colours_text_is_plain_and_whole(
    tmp_path: Path, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MOST_COLOURED", 10)
    (tmp_path / "a.py").write_text("def f():\n\n    return 1\n")
    assert collect(capture, tmp_path / "a.py")[0] == {
        str(tmp_path / "a.py"): "def f():\n\n    return 1\n"
    }


def test_lines_are_those_that_python_counts(tmp_path: Path, capture: Capture) -> None:
    text = "a = 1\r\nb = '\u2028 \x0c \x85'\rc = 3\n"
    (tmp_path / "a.py").write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tmp_path / "b.py").write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    (tmp_path / "c.py").write_bytes(b"# coding: no-such\nx = '\xff'\n")
    texts, _ = collect(capture, *(tmp_path / f"{name}.py" for name in "abc"))
    assert texts[str(tmp_path / "a.py")] == "a = 1\nb = '\u2028 \x0c \x85'\nc = 3\n"
    assert texts[str(tmp_path / "b.py")] == "# coding: latin-1\nx = 'é'\n"
    assert texts[str(tmp_path / "c.py")] == "# coding: no-such\nx = '\ufffd'\n"


def test_a_file_written_to_since_the_run_is_said_to_be(tmp_path: Path) -> None:
    path = record(tmp_path, "x = bytearray(50_000)\n")
    assert Report.of(path).manifest["sources"]["changed"] == []
    script = tmp_path / "work.py"
    script.write_text("# not what ran\n")
    report = Report.of(path, "--force")
    assert [report.files[index] for index in report.manifest["sources"]["changed"]] == [str(script)]


def test_relative_names_start_where_the_program_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "exec(compile('x = bytearray(90_000)', 'other.py', 'exec'))\n"
    (tmp_path / "other.py").write_text("x = bytearray(90_000)")
    path = record(tmp_path, program)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert Report(Capture(path).report().html).sources["other.py"] == "x = bytearray(90_000)"

"""The verb `report`: what is in the file, where it goes, and what it refuses."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from report_reader import PROGRAM, Report, heapscope, record

from heapscope import Capture
from heapscope.errors import HeapscopeError

NUMPY = """\
import numpy as np

arrays = [np.random.rand(200, 200) + index for index in range(40)]
print(sum((array @ array.T).sum() for array in arrays))
"""


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("report"), PROGRAM)


@pytest.fixture(scope="module")
def report(capture: Path) -> Report:
    return Report.of(capture)


def test_its_figures_are_those_of_the_capture(capture: Path, report: Report) -> None:
    summary = Capture(capture).summary()
    told = report.manifest["summary"]
    assert {**told, "capture": ""} == {**summary, "capture": ""}
    columns = report.columns
    assert sum(columns["site_peak_bytes"]) == summary["peak_bytes"]
    assert sum(columns["site_live_bytes"]) == summary["live_bytes_at_end"]
    assert sum(columns["site_allocated_bytes"]) == summary["allocated_bytes"]
    assert sum(columns["site_allocations"]) == summary["allocations"]
    assert sum(columns["site_temporary_bytes"]) == summary["temporary_bytes"]
    assert sum(columns["change_live_bytes"]) == summary["live_bytes_at_end"]
    assert sum(columns["change_allocated_bytes"]) == summary["allocated_bytes"]


def test_its_threads_have_the_bytes_that_the_table_says(capture: Path, report: Report) -> None:
    threads = report.manifest["threads"]
    peaks = dict.fromkeys(threads, 0.0)
    columns = report.columns
    for thread, peak in zip(columns["site_thread"], columns["site_peak_bytes"], strict=True):
        peaks[threads[int(thread)]] += peak
    rows = Capture(capture).table("thread")["rows"]
    assert peaks == {row["thread"]: row["peak_bytes"] for row in rows}


def test_its_findings_are_those_of_the_verbs(capture: Path, report: Report) -> None:
    opened = Capture(capture)._capture
    for name, truth in (
        ("leaks", opened.leaks(limit=200)),
        ("rss", opened.rss()),
        ("peaks", opened.peaks(limit=10)),
        ("rss_over_time", opened.rss_over_time()),
    ):
        told = report.manifest[name]
        if isinstance(told, dict):
            told = {**told, "capture": truth.get("capture")}
        assert told == json.loads(
            json.dumps(
                {**truth, "capture": truth.get("capture")} if isinstance(truth, dict) else truth
            )
        )


def test_it_is_named_after_the_script(report: Report) -> None:
    assert report.manifest["title"] == "work.py"
    assert report.manifest["schema"] == "heapscope/report/1"
    assert report.manifest["kind"] == "run"


def test_the_programs_own_source_is_in_it_coloured(capture: Path, report: Report) -> None:
    script = str(capture.with_suffix(".py"))
    assert report.sources[script] == PROGRAM
    assert {"k", "nf", "mi"} <= report.kinds[script]
    assert report.manifest["sources"]["files"] == len(report.sources)
    assert report.manifest["sources"]["changed"] == []


def test_without_sources_it_holds_none(capture: Path) -> None:
    report = Report.of(capture, "--no-source")
    assert report.sources == {}
    assert report.manifest["sources"]["files"] == 0
    assert report.manifest["sources"]["left_out"] >= 1
    assert "--no-source" in report.manifest["sources"]["reason"]


@pytest.mark.one_version
def test_of_a_small_numpy_script_it_stays_under_one_and_a_half_megabytes(tmp_path: Path) -> None:
    report = Report.of(record(tmp_path, NUMPY))
    assert len(report.html.encode()) < 1_500_000
    assert any("numpy" in file for file in report.sources)


@pytest.mark.one_version
def test_two_runs_are_compared(tmp_path: Path) -> None:
    before = record(tmp_path, PROGRAM, "before")
    after = record(tmp_path, "# moved down\n\n" + PROGRAM.replace("range(5)", "range(8)"), "after")
    made = heapscope(tmp_path, "report", before.name, after.name)
    assert made.returncode == 0, made.stderr
    report = Report((tmp_path / "before-after.html").read_text())
    assert report.manifest["kind"] == "diff"
    for prefix, summary, capture in (
        ("base", report.manifest["base_summary"], before),
        ("site", report.manifest["summary"], after),
    ):
        assert summary["peak_bytes"] == Capture(capture).peak_bytes
        assert sum(report.columns[f"{prefix}_peak_bytes"]) == summary["peak_bytes"]
        assert sum(report.columns[f"{prefix}_live_bytes"]) == summary["live_bytes_at_end"]


@pytest.mark.one_version
def test_options_may_stand_between_the_captures(tmp_path: Path, capture: Path) -> None:
    output = tmp_path / "out.html"
    made = heapscope(tmp_path, "report", str(capture), "-o", str(output), str(capture))
    assert made.returncode == 0, made.stderr
    assert Report(output.read_text()).manifest["kind"] == "diff"


@pytest.mark.one_version
def test_it_lies_beside_the_capture_and_its_name_is_printed(tmp_path: Path) -> None:
    record(tmp_path, "x = 1")
    made = heapscope(tmp_path, "report", "work.hscope")
    assert re.fullmatch(r"work\.html  [\d.]+ [KM]iB\n", made.stdout)
    assert made.stderr == ""
    assert sorted(os.listdir(tmp_path)) == ["work.hscope", "work.html", "work.py"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "work.html").stat().st_mode) == 0o666 & ~umask
    assert heapscope(tmp_path, "report", "work.hscope", "--force", "-q").stdout == ""


@pytest.mark.one_version
def test_another_file_is_replaced_only_when_asked(tmp_path: Path, capture: Path) -> None:
    output = tmp_path / "out.html"
    output.write_text("mine")
    refused = heapscope(tmp_path, "report", str(capture), "-o", "out.html")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "heapscope: 'out.html' exists; --force replaces it\n"
    assert output.read_text() == "mine"
    made = heapscope(tmp_path, "report", str(capture), "-o", "out.html", "--force")
    assert made.returncode == 0
    assert Report(output.read_text()).manifest["title"] == "work.py"


@pytest.mark.one_version
@pytest.mark.parametrize("target", ["capture", "directory", "fifo", "link", "nowhere"])
def test_what_is_no_place_for_a_report_is_refused_in_one_line(
    tmp_path: Path, capture: Path, target: str
) -> None:
    output = tmp_path / "out.html"
    before = capture.read_bytes()
    if target == "capture":
        output = capture
    elif target == "directory":
        output.mkdir()
    elif target == "fifo":
        os.mkfifo(output)
    elif target == "link":
        output.symlink_to("/dev/null")
    else:
        output = tmp_path / "missing" / "out.html"
    refused = heapscope(tmp_path, "report", str(capture), "-o", str(output), "--force")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert str(output) in refused.stderr
    assert capture.read_bytes() == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.one_version
@pytest.mark.parametrize("content", [b"", b"not a capture", b"HSCOPES\n" + b"\xff" * 500])
def test_what_is_no_capture_is_one_line_and_no_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.hscope").write_bytes(content)
    refused = heapscope(tmp_path, "report", "bad.hscope")
    assert refused.returncode in (2, 3)
    assert len(refused.stderr.splitlines()) == 1
    assert os.listdir(tmp_path) == ["bad.hscope"]


@pytest.mark.one_version
def test_of_a_cut_capture_it_shows_what_is_left_or_nothing_at_all(
    tmp_path: Path, capture: Path
) -> None:
    data = capture.read_bytes()
    for share in range(1, 10):
        cut = tmp_path / f"cut{share}.hscope"
        cut.write_bytes(data[: len(data) * share // 10])
        made = heapscope(tmp_path, "report", cut.name)
        assert len(made.stderr.splitlines()) == 1, made.stderr
        output = cut.with_suffix(".html")
        if made.returncode == 3 and output.exists():
            report = Report(output.read_text())
            peak = report.manifest["summary"]["peak_bytes"]
            assert sum(report.columns["site_peak_bytes"]) == peak
            assert report.manifest["summary"]["damage"]
        else:
            assert made.returncode in (2, 3)
            assert not output.exists()


@pytest.mark.one_version
def test_a_killed_programs_capture_is_shown(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text("import os, signal\nx = bytearray(5_000_000)\nos.kill(os.getpid(), 9)\n")
    killed = heapscope(tmp_path, "run", "-q", "-o", "killed.hscope", script.name)
    assert killed.returncode == 128 + signal.SIGKILL
    made = heapscope(tmp_path, "report", "killed.hscope")
    assert made.returncode == 0
    assert "was killed" in made.stderr
    report = Report((tmp_path / "killed.html").read_text())
    assert report.manifest["summary"]["complete"] is False
    assert sum(report.columns["site_live_bytes"]) >= 5_000_000


@pytest.mark.one_version
def test_names_from_the_capture_cannot_become_markup(tmp_path: Path) -> None:
    names = ["</script><script>alert(1)</script>", "<!--<script>", "a\u2028b&amp;\u202e.py"]
    program = "".join(
        f"exec(compile('x{i} = bytearray(200_000)', {name!r}, 'exec'))\n"
        for i, name in enumerate(names)
    )
    capture = record(tmp_path, program, "a&lt;b")
    report = Report.of(capture)
    assert set(names) <= set(report.files)
    assert "alert(1)</script>" not in report.html
    assert len(re.findall(r"<script\b", report.html)) == len(re.findall("</script>", report.html))
    assert report.manifest["title"] == "a&lt;b.py"


def test_the_api_makes_the_same_report(tmp_path: Path, capture: Path, report: Report) -> None:
    made = Capture(capture).report(tmp_path / "api.html")
    assert (tmp_path / "api.html").read_text(encoding="utf-8") == made.html
    assert Report(made.html).columns.keys() == report.columns.keys()
    assert Report(made.html).sources == report.sources
    with pytest.raises(HeapscopeError, match="exists"):
        Capture(capture).report(tmp_path / "api.html")
    compared = Capture(capture).report(base=Capture(capture), sources=False)
    assert Report(compared.html).manifest["kind"] == "diff"


@pytest.mark.one_version
def test_a_notebook_shows_it_in_a_frame_that_has_no_rights(capture: Path) -> None:
    made = Capture(capture).report(sources=False)
    frame = made._repr_html_()
    assert re.findall(r'\bsandbox="([^"]*)"', frame) == ["allow-scripts"]
    (inside,) = re.findall(r'\bsrcdoc="([^"]*)"', frame)
    assert html.unescape(inside) == made.html


@pytest.mark.one_version
def test_an_installation_without_the_page_says_so(
    tmp_path: Path, capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    with pytest.raises(HeapscopeError, match=r"lacks the report's page"):
        Capture(capture).report()
    (tmp_path / "template.html").write_text("<html></html>")
    with pytest.raises(HeapscopeError, match="of another version"):
        Capture(capture).report()


@pytest.mark.one_version
def test_open_hands_the_file_to_the_browser(tmp_path: Path, capture: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/asked\n')
    browser.chmod(0o755)
    made = subprocess.run(
        [sys.executable, "-m", "heapscope", "report", capture, "-o", "out.html", "--open"],
        cwd=tmp_path,
        env={**os.environ, "BROWSER": f"{browser} %s"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "asked").read_text() == (tmp_path / "out.html").as_uri() + "\n"

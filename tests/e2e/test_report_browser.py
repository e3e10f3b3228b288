"""What `heapscope report` writes, opened in a real browser from the disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium, Page
from report_reader import Report, heapscope, record

from heapscope import Capture
from heapscope.cli.units import size

pytestmark = pytest.mark.one_version

ROOT = Path(__file__).parents[2]
WORKLOADS = sorted(
    path.stem for path in (ROOT / "benchmarks" / "workloads").glob("*.py") if path.stem != "measure"
)
PROGRAM = """\
import threading

def keep(size):
    return bytearray(size)

def work():
    return [keep(300_000) for _ in range(5)]

kept = work()
thread = threading.Thread(target=work, name="helper")
thread.start()
thread.join()
"""
TABS = "[...document.querySelectorAll('[role=tab]')].map(tab => tab.id)"
IS_SHOWN = "document.querySelector('h1') !== null"
TEXT = "document.body.innerText"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


@pytest.fixture
def page(browser: Chromium) -> Iterator[Page]:
    with browser.page() as page:
        yield page


def show(page: Page, report: Path) -> str:
    """Open a report and return its headline; it must ask for nothing and complain of nothing."""
    page.open(report.as_uri())
    page.wait_for(IS_SHOWN)
    assert page.requests == [report.as_uri()]
    assert page.complaints == []
    headline: str = page.evaluate("document.querySelector('h1').innerText")
    return headline


def visit_all(page: Page) -> dict[str, str]:
    """Look at each view; what each says."""
    texts = {}
    for tab in page.evaluate(TABS):
        page.evaluate(f"document.getElementById({tab!r}).click()")
        page.wait_for(f"document.getElementById({tab!r}).ariaSelected === 'true'")
        page.wait_for(
            "document.getElementById('view').innerText.trim() !== '' || "
            "document.querySelector('#view canvas') !== null"
        )
        texts[tab.removeprefix("tab-")] = page.evaluate(TEXT)
    assert page.complaints == []
    return texts


def test_it_opens_from_the_disk_and_asks_for_nothing(page: Page, tmp_path: Path) -> None:
    capture = record(tmp_path, PROGRAM)
    Report.of(capture)
    headline = show(page, capture.with_suffix(".html"))
    assert size(Capture(capture).peak_bytes) in headline
    texts = visit_all(page)
    assert {"flame", "table", "sandwich", "source", "treemap", "calls", "threads"} <= texts.keys()
    assert "def keep(size):" in texts["source"]
    assert "helper" in texts["threads"]
    assert len(page.requests) == 1


def test_the_lines_of_the_source_have_the_bytes_of_the_table(page: Page, tmp_path: Path) -> None:
    capture = record(tmp_path, PROGRAM)
    Report.of(capture)
    show(page, capture.with_suffix(".html"))
    page.evaluate("document.getElementById('tab-source').click()")
    page.wait_for("document.body.innerText.includes('def keep')")
    rows = page.evaluate(
        "[...document.querySelectorAll('.source-file .table-body [role=row]')].map(row => "
        "[...row.children].map(cell => cell.innerText))"
    )
    script = str(capture.with_suffix(".py"))
    expected = {
        row["line"]: row["peak_bytes"]
        for row in Capture(capture).table("line")["rows"]
        if row["file"] == script and row["peak_bytes"]
    }
    shown = {int(line): own.split("\n")[0] for own, _, line, _ in rows if own}
    assert shown == {line: size(peak) for line, peak in expected.items()}


def test_two_runs_open_as_their_difference(page: Page, tmp_path: Path) -> None:
    record(tmp_path, PROGRAM, "before")
    record(tmp_path, PROGRAM.replace("range(5)", "range(9)"), "after")
    made = heapscope(tmp_path, "report", "before.hscope", "after.hscope")
    assert made.returncode == 0, made.stderr
    headline = show(page, tmp_path / "before-after.html")
    assert "grew" in headline
    visit_all(page)


def test_it_works_in_a_frame_without_rights(page: Page, tmp_path: Path) -> None:
    capture = record(tmp_path, PROGRAM)
    frame = Capture(capture).report()._repr_html_()
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><title>notebook</title>{frame}", encoding="utf-8")
    page.open(notebook.as_uri())
    page.wait_for("document.querySelector('iframe') !== null")
    (inside,) = page.frames()
    page.wait_for(IS_SHOWN, inside)
    headline = page.evaluate("document.querySelector('h1').innerText", inside)
    assert size(Capture(capture).peak_bytes) in headline
    assert page.evaluate("self.origin", inside) == "null"
    assert page.complaints == []
    assert [request for request in page.requests if not request.startswith("about:")] == [
        notebook.as_uri()
    ]


HOSTILE = (
    "<script>document.title = 'taken'</script>",
    "<img src=x onerror=\"document.title = 'taken'\">",
    "</script><svg onload=alert(1)>",
    "\u202e\u2066turned\u2069\x07",
    "a" * 10_000 + "<b>",
)


def test_hostile_names_are_text(page: Page, tmp_path: Path) -> None:
    program = f"""
import threading
names = {HOSTILE!r}
for i, name in enumerate(names):
    code = compile(f"def f(): return bytearray({{i + 1}}00_000)", name, "exec")
    scope = {{}}
    exec(code, scope)
    made = scope["f"]
    made.__code__ = made.__code__.replace(co_name=name)
    if hasattr(made.__code__, "co_qualname"):
        made.__code__ = made.__code__.replace(co_qualname=name)
    threading.Thread(target=lambda: kept.append(made()), name=name)
    globals()[f"kept_{{i}}"] = made()
"""
    capture = record(tmp_path, program)
    Report.of(capture)
    show(page, capture.with_suffix(".html"))
    title = page.evaluate("document.title")
    texts = visit_all(page)
    assert page.evaluate("document.title") == title
    assert "taken" not in title
    assert page.evaluate("document.querySelectorAll('img, b, [onload], [onerror]').length") == 0
    for name in HOSTILE[:3]:
        assert name in texts["table"]
    assert not any("\u202e" in text or "\u2066" in text for text in texts.values())
    assert page.requests == [capture.with_suffix(".html").as_uri()]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_report_of_each_benchmark_workload_opens(
    page: Page, tmp_path: Path, workload: str
) -> None:
    script = ROOT / "benchmarks" / "workloads" / f"{workload}.py"
    ran = subprocess.run(
        [sys.executable, "-m", "heapscope", "run", "-q", "-o", "work.hscope", str(script)],
        cwd=tmp_path,
        env={**os.environ, "BENCH_SCALE": "0.03"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    Report.of(tmp_path / "work.hscope")
    headline = show(page, tmp_path / "work.html")
    assert size(Capture(tmp_path / "work.hscope").peak_bytes) in headline
    visit_all(page)


def test_a_long_run_of_many_stacks_opens(page: Page, tmp_path: Path) -> None:
    source = Path(__file__).parent / "native" / "large_capture.cpp"
    writer = tmp_path / "large_capture"
    compiler = os.environ.get("CXX", "c++")
    flags = ["-std=c++20", "-O1", "-mcx16", f"-I{ROOT / 'src'}", f"-I{ROOT / 'tests' / 'cpp'}"]
    subprocess.run([compiler, *flags, str(source), "-o", str(writer)], check=True)
    capture = tmp_path / "large.hscope"
    subprocess.run([writer, capture, "240000", "1000", "10000000"], check=True)
    summary: dict[str, Any] = Capture(capture).summary()
    assert summary["allocations"] == 10_000_000
    report = Report.of(capture, "--no-source")
    assert len(report.columns["node_depth"]) >= 200_000
    assert len(report.columns["tick_end_s"]) == 1000
    assert sum(report.columns["site_peak_bytes"]) == summary["peak_bytes"]
    assert sum(report.columns["change_live_bytes"]) == summary["live_bytes_at_end"]
    headline = show(page, capture.with_suffix(".html"))
    assert size(summary["peak_bytes"]) in headline
    visit_all(page)

"""What `heapscope report` writes, opened in a real browser from the disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from chromium import Chromium, Page
from report_reader import PROGRAM, Report, heapscope, record

from heapscope import Capture
from heapscope.cli.units import size

pytestmark = pytest.mark.one_version

ROOT = Path(__file__).parents[2]
WORKLOADS = sorted(
    path.stem for path in (ROOT / "benchmarks" / "workloads").glob("*.py") if path.stem != "measure"
)
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


def choose(page: Page, tab: str) -> None:
    page.evaluate(f"document.getElementById('tab-{tab}').click()")
    page.wait_for(f"document.getElementById('tab-{tab}').ariaSelected === 'true'")


def press(page: Page, key: str, code: int = 0) -> None:
    """Press and release a key, as a keyboard does."""
    text = {"text": key} if len(key) == 1 else {}
    for kind in ("keyDown", "keyUp"):
        page.send(
            "Input.dispatchKeyEvent",
            type=kind,
            key=key,
            code=key,
            windowsVirtualKeyCode=code,
            **(text if kind == "keyDown" else {}),
        )


@pytest.fixture
def shown(page: Page, tmp_path: Path) -> Page:
    """A page with the report of the program."""
    capture = record(tmp_path, PROGRAM)
    Report.of(capture)
    show(page, capture.with_suffix(".html"))
    return page


def test_what_is_selected_in_one_view_is_selected_in_the_others(shown: Page) -> None:
    choose(shown, "calls")
    shown.wait_for("document.querySelector('.call-graph-node') !== null")
    shown.evaluate(
        "[...document.querySelectorAll('.call-graph-node')]"
        ".find(node => node.textContent.startsWith('keep')).dispatchEvent("
        "new MouseEvent('click', {bubbles: true}))"
    )
    shown.wait_for("document.querySelector('.call-graph-node.selected') !== null")
    choose(shown, "source")
    shown.wait_for("document.body.innerText.includes('def keep')")
    line = shown.evaluate(
        "document.querySelector('.source-file [aria-selected=true] .line-number').innerText"
    )
    assert PROGRAM.splitlines()[int(line) - 1].strip() in (
        "def keep(size):",
        "return bytearray(size)",
    )
    choose(shown, "treemap")
    shown.wait_for("document.querySelector('.tile .selected') !== null")
    name = shown.evaluate("document.querySelector('.tile .selected .tile-name').innerText")
    assert name.strip() == "keep"


def test_a_thread_that_is_not_chosen_is_in_no_figure(shown: Page) -> None:
    choose(shown, "threads")
    shown.wait_for("document.querySelectorAll('.threads input').length === 2")
    shown.evaluate("document.querySelector('.threads input[aria-label=\"Show helper\"]').click()")
    shown.wait_for("document.querySelector('h1').innerText.includes('1 of 2 threads')")
    choose(shown, "source")
    shown.wait_for("document.body.innerText.includes('def keep')")
    rows = shown.evaluate("document.querySelector('.source-file').innerText")
    assert size(1_500_000).split()[0] in rows  # five of 300,000, not ten


def test_the_treemap_opens_and_closes_by_keys(shown: Page) -> None:
    choose(shown, "treemap")
    shown.wait_for("document.querySelector('.tile [tabindex=\"0\"]') !== null")
    shown.evaluate("document.querySelector('.tile [tabindex=\"0\"]').focus()")
    path = "document.querySelectorAll('.treemap-view .path button').length"
    assert shown.evaluate(path) == 1
    press(shown, "Enter", 13)
    shown.wait_for(f"{path} === 2")
    press(shown, "Escape", 27)
    shown.wait_for(f"{path} === 1")


def test_the_call_graph_is_saved_as_dot_and_svg(
    browser: Chromium, shown: Page, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    browser.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(saved))
    choose(shown, "calls")
    shown.wait_for("document.querySelector('.call-graph-node') !== null")
    for kind in ("DOT", "SVG"):
        shown.evaluate(
            "[...document.querySelectorAll('.call-graph button')]"
            f".find(button => button.innerText === 'Save {kind}').click()"
        )
    for name in ("work.py.dot", "work.py.svg"):
        wait_for_file(shown, saved / name)
    dot = (saved / "work.py.dot").read_text(encoding="utf-8")
    assert dot.startswith("digraph heapscope {")
    assert re.search(r'n\d+ \[label="keep\\nwork\.py|n\d+ \[label="keep\\n', dot)
    assert re.search(r"n\d+ -> n\d+ \[label=", dot)
    picture = ElementTree.parse(saved / "work.py.svg").getroot()
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    texts = ["".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert any(text.startswith("keep") for text in texts)


def wait_for_file(page: Page, path: Path) -> None:
    for _ in range(1000):
        if path.exists():
            return
        page.evaluate("new Promise(done => setTimeout(done, 20))")
    raise AssertionError(f"{path.name} was not saved")


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

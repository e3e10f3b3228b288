"""A real notebook: the magics are run in a Jupyter kernel, and what they show in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium

pytestmark = pytest.mark.one_version

IS_SHOWN = "document.querySelector('h1') !== null"
FUNCTION = """\
def keep(count):
    rows = []
    for number in range(count):
        rows.append(bytearray(100_000))
    return rows
"""

INNER = """\
def inner():
    block = bytearray(3_000_000)
    return len(block)
"""

CLASS = """\
class Table:
    def load(self):
        self.rows = bytearray(4_000_000)
        return self.count()

    def count(self):
        return len(self.rows)
"""


class Notebook:
    """Cells, run one after the other in a kernel of their own."""

    def __init__(self, directory: Path, *sources: str, fails: bool = False) -> None:
        import nbclient
        import nbformat

        self.document = nbformat.v4.new_notebook()
        cells = ["%load_ext heapscope", *sources]
        self.document.cells = [nbformat.v4.new_code_cell(source) for source in cells]
        client = nbclient.NotebookClient(
            self.document,
            timeout=120,
            kernel_name="python3",
            allow_errors=fails,
            resources={"metadata": {"path": str(directory)}},
        )
        client.execute()

    def outputs(self, cell: int) -> list[Any]:
        """Of a cell; 0 loads the extension."""
        return list(self.document.cells[cell].outputs)

    def text(self, cell: int) -> str:
        """What a cell printed."""
        return "".join(
            each["text"]
            for each in self.outputs(cell)
            if each["output_type"] == "stream" and each["name"] == "stdout"
        )

    def error(self, cell: int) -> str:
        """The last line of what a cell failed with."""
        said = [each["text"] for each in self.outputs(cell) if each["output_type"] == "stream"]
        errors = [each for each in self.outputs(cell) if each["output_type"] == "error"]
        if errors:
            return f"{errors[0]['ename']}: {errors[0]['evalue']}"
        return "".join(said).strip()

    def value(self, cell: int) -> str:
        (shown,) = [each for each in self.outputs(cell) if each["output_type"] == "execute_result"]
        text: str = shown["data"]["text/plain"]
        return text

    def html(self, cell: int) -> str:
        (shown,) = [each for each in self.outputs(cell) if "text/html" in each.get("data", {})]
        text: str = shown["data"]["text/html"]
        return text


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    """One notebook for what does not depend on what was before it."""
    return Notebook(
        tmp_path_factory.mktemp("notebook"),
        FUNCTION,  # 1
        "%memit b'x' * 1_000_000",
        "figures = %memit -o -q -r 5 b'x' * 1_000_000\n"
        "figures.peak_bytes, figures.runs, figures.timed_while_tracked",
        "%%memit table = bytes(500_000)\nkept = table + table\nmore = kept[:10]",
        "%mprun -f keep keep(20)",  # 5
        "profile = %mprun -r -f keep keep(5)\nlen(profile)",
        f"%%mprun -f inner\n{INNER}\ninner()",
        "%%mprun\nbig = bytearray(5_000_000)\nsmall = len(big)\ndel big",
        "%%heapscope -o cell.hscope\nrows = keep(20)\nlen(rows)",
        "import heapscope\nheapscope.is_tracing(), len(rows), 'block' in globals()",  # 10
        "%mprun -T tables.txt -f keep keep(1)",
        CLASS,
        "%mprun -f Table.load Table().load()",
        "%mprun -f Table Table().load()",
    )


def test_memit_is_exact_and_in_one_line(session: Notebook) -> None:
    assert re.fullmatch(
        r"peak 977 KiB, net 0 B, allocated 977 KiB in 1; [\d.]+ (ns|µs|ms|s) \(3 runs\)\n",
        session.text(2),
    )
    assert session.value(3) == "(1000033, 5, False)"
    assert session.text(3) == ""


def test_a_cell_is_measured_after_its_setup(session: Notebook) -> None:
    assert session.text(4).startswith("peak 977 KiB, net 977 KiB, allocated 977 KiB in 2; ")


def rows(table: str) -> dict[str, list[str]]:
    """The rows of a line profile that have figures, by their source."""
    found = {}
    for line in table.split("Peak")[0].splitlines():
        row = re.match(r" *(\d+) +(-?[\d.]+) MiB +(-?[\d.]+) MiB +(\d+)   (.*)", line)
        if row:
            found[row[5].strip()] = [row[3], row[4]]
    return found


def test_a_function_of_the_notebook_is_profiled_line_by_line(session: Notebook) -> None:
    table = session.text(5)
    assert "Line #    Mem usage    Increment  Occurrences   Line Contents" in table
    assert rows(table)["rows.append(bytearray(100_000))"] == ["1.9", "20"]
    assert rows(table)["return rows"] == ["0.0", "1"]
    assert "def keep(count):" in table
    assert session.value(6) == "1"


def test_a_function_that_the_cell_defines_is_profiled_too(session: Notebook) -> None:
    assert rows(session.text(7))["block = bytearray(3_000_000)"] == ["2.9", "1"]
    assert session.value(7) == "3000000"


def test_a_cell_without_a_function_is_profiled_itself(session: Notebook) -> None:
    profiled = rows(session.text(8))
    assert profiled["big = bytearray(5_000_000)"] == ["4.8", "1"]
    assert profiled["del big"] == ["-4.8", "1"]


def test_methods_and_classes_of_the_notebook_are_profiled(session: Notebook) -> None:
    assert rows(session.text(13))["self.rows = bytearray(4_000_000)"] == ["3.8", "1"]
    assert "return len(self.rows)" not in session.text(13)
    both = session.text(14)
    assert "self.rows = bytearray(4_000_000)" in both and "return len(self.rows)" in both


def test_tables_are_written_to_a_file(session: Notebook) -> None:
    written = session.text(11)
    assert "rows.append(bytearray(100_000))" in written
    assert written.rstrip().endswith("also written to tables.txt")


def test_the_session_is_left_as_it_was(session: Notebook) -> None:
    assert session.value(10) == "(False, 20, False)"


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    mistakes = {
        "%memit": "%memit needs a statement",
        "%memit -r none pass": "-r needs a number of runs, not 'none'",
        "%memit -z pass": "%memit has no option -z",
        "%memit 1 / 0": "ZeroDivisionError: division by zero",
        "%mprun keep(1)": "%mprun needs a function",
        "%mprun -f nothing pass": "no function 'nothing' with Python code",
        "%mprun -f": "-f of %mprun needs a value",
        "%heapscope": "%heapscope needs a statement",
        "%%heapscope -o .\npass": "this cell cannot be recorded",
        "import heapscope; heapscope.start()": "",
        "%%heapscope\npass": "heapscope.stop() ends that",
    }
    notebook = Notebook(tmp_path, *mistakes, fails=True)
    for cell, said in enumerate(mistakes.values(), 1):
        assert said in notebook.error(cell), notebook.outputs(cell)


def test_a_cell_that_fails_fails_and_its_report_is_shown(tmp_path: Path) -> None:
    notebook = Notebook(
        tmp_path,
        "%%heapscope\nkept = bytearray(2_000_000)\n1 / 0",
        "%%mprun\nlost = bytearray(2_000_000)\n1 / 0",
        fails=True,
    )
    assert notebook.error(1) == notebook.error(2) == "ZeroDivisionError: division by zero"
    assert "<iframe" in notebook.html(1)
    assert rows(notebook.text(2))["lost = bytearray(2_000_000)"] == ["1.9", "1"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


def test_the_report_of_a_cell_is_inside_the_page_and_asks_for_nothing(
    session: Notebook, browser: Chromium, tmp_path: Path
) -> None:
    import nbconvert

    session.document.cells = [session.document.cells[9]]
    body, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(session.document)
    written = tmp_path / "notebook.html"
    written.write_text(f"<!doctype html><meta charset=utf-8><title>n</title>{body}")
    with browser.page() as page:
        page.open(written.as_uri())
        page.wait_for("document.querySelector('iframe') !== null")
        (inside,) = page.frames()
        page.wait_for(IS_SHOWN, inside)
        headline = page.evaluate("document.querySelector('h1').innerText", inside)
        assert "1.9" in headline
        page.evaluate("document.getElementById('tab-source').click()", inside)
        page.wait_for("document.body.innerText.includes('def keep(count):')", inside)
        assert page.evaluate("self.origin", inside) == "null"
        asked = [request for request in page.requests if not request.startswith("about:")]
        assert asked == [written.as_uri()]
        assert page.complaints == []

"""The HTML of `heapscope lines` in Chromium: it shows what ran, and asks for nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium

pytestmark = pytest.mark.one_version

PROGRAM = """\
kept = []

def fill(rows):
    for number in range(rows):
        kept.append(bytes(4096))    # <script>document.title = "hostile"</script>
    return "a very long line " + "that goes on and on " * 20 + "until it is out of the window"

def main():
    total = len(bytes(30 << 20))
    fill(2000)
    kept.clear()
    return total

main()
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    started = Chromium(tmp_path_factory.mktemp("browser"))
    yield started
    started.close()


def test_the_page_is_readable_offline(browser: Chromium, tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "heapscope", "lines", "--all", "--html", "out.html", "work.py"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    with browser.page() as page:
        address = (tmp_path / "out.html").as_uri()
        page.open(address)
        page.wait_for("document.readyState === 'complete' && !!document.querySelector('table')")
        assert page.requests == [address]
        assert page.complaints == []
        assert page.evaluate("document.title") == "work.py · lines"
        rows = page.evaluate(
            "[...document.querySelectorAll('tbody tr')].map(row => "
            "[...row.cells].map(cell => cell.textContent.trimEnd()))"
        )
        assert {len(row) for row in rows} == {9}
        (row,) = [row for row in rows if "total = len(" in row[8]]
        assert row[3] == "30.0 MiB"
        assert any('<script>document.title = "hostile"' in row[8] for row in rows)
        # The long line scrolls in its table; the page itself does not get wider.
        width = "document.documentElement.scrollWidth <= innerWidth"
        assert page.evaluate(width)
        page.save_picture(tmp_path / "page.png")

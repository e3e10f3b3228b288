"""Line profiles as text, JSON and HTML, from figures made here."""

from __future__ import annotations

import html.parser
import io
import json
import linecache
import os
from pathlib import Path
from typing import Any

import pytest

from heapscope.lines.document import from_allocations, is_in, is_named, make_document
from heapscope.lines.page import make_page
from heapscope.lines.source import block_of, stamp_of
from heapscope.lines.table import write_tables, writer_to

pytestmark = pytest.mark.one_version

MIB = 1 << 20
HEADER = "Line #    Mem usage    Increment  Occurrences   Line Contents"
SOURCE = """\
import os

@profile
def my_func():
    a = [1] * (10 ** 6)

    del a
    return None
"""


def row(line: int | None, increment: float = 0.0, **figures: Any) -> dict[str, Any]:
    made = {
        "line": line,
        "occurrences": 1,
        "mem_usage_bytes": int(66.6 * MIB),
        "increment_bytes": int(increment * MIB),
        "peak_bytes": 0,
        "allocated_bytes": 0,
        "freed_bytes": 0,
        "allocations": 0,
    }
    return {**made, **figures}


def function(file: str | Path, lines: list[dict[str, Any]], **others: Any) -> dict[str, Any]:
    net = sum(each["increment_bytes"] for each in lines)
    made = {
        "function": "my_func",
        "file": str(file),
        "first_line": 3,
        "calls": 1,
        "net_bytes": net,
        "peak_bytes": max(each["peak_bytes"] for each in lines),
        "per_call": {"min": 0, "median": 0, "max": 0},
        "net_per_call": {"min": net, "median": net, "max": net},
        "lines": lines,
    }
    return {**made, **others}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "work.py"
    path.write_text(SOURCE)
    return path


def table(functions: list[dict[str, Any]], **options: Any) -> str:
    written = io.StringIO()
    write_tables(functions, written.write, **options)
    return written.getvalue()


def grown(source: Path) -> dict[str, Any]:
    kept = {"peak_bytes": 8 * MIB, "allocated_bytes": 8 * MIB, "allocations": 1}
    gone = {"freed_bytes": 8 * MIB}
    return function(source, [row(3), row(5, 7.625, **kept), row(7, -7.625, **gone), row(8)])


def test_the_first_table_is_memory_profilers_to_the_character(source: Path) -> None:
    lines = table([grown(source)]).splitlines()
    assert lines[:10] == [
        f"Filename: {source}",
        "",
        HEADER,
        "=" * len(HEADER),
        "     3     66.6 MiB      0.0 MiB           1   @profile",
        "     4                                         def my_func():",
        "     5     66.6 MiB      7.6 MiB           1       a = [1] * (10 ** 6)",
        "     6                                         ",
        "     7     66.6 MiB     -7.6 MiB           1       del a",
        "     8     66.6 MiB      0.0 MiB           1       return None",
    ]


def test_below_it_is_what_was_missing(source: Path) -> None:
    lines = table([grown(source)]).splitlines()
    assert lines[11:14] == [
        "       Peak   Allocated       Freed Allocations   Line   Line Contents",
        "   8.00 MiB    8.00 MiB         0 B           1      5   a = [1] * (10 ** 6)",
        "        0 B         0 B    8.00 MiB           0      7   del a",
    ]
    assert lines[15] == "my_func: 1 call, net 0 B, peak 8.00 MiB"
    assert max(map(len, lines[2:])) <= 80


def test_a_parser_of_rows_takes_those_of_the_first_table_only(source: Path) -> None:
    found = {}
    for line in table([grown(source)]).splitlines():
        words = line.split()
        if len(words) > 4 and words[0].isdigit() and words[2] == "MiB":
            assert int(words[0]) not in found
            found[int(words[0])] = float(words[3])
    assert found == {3: 0.0, 5: 7.6, 7: -7.6, 8: 0.0}


def test_precision_is_the_number_of_digits(source: Path) -> None:
    assert "     5  66.6000 MiB   7.6250 MiB           1" in table([grown(source)], precision=4)
    assert "     5       67 MiB        8 MiB           1" in table([grown(source)], precision=0)


def test_there_is_no_negative_zero(source: Path) -> None:
    assert "-0.0" not in table([function(source, [row(5, -0.01)])])


def test_each_line_is_one_write_so_that_a_log_has_one_record_for_it(source: Path) -> None:
    writes: list[str] = []
    write_tables([grown(source)], writes.append)
    assert all(text.rstrip("\n").count("\n") == 0 for text in writes)


def test_calls_are_summed_up_with_what_a_single_one_took(source: Path) -> None:
    each = {"min": MIB, "median": 2 * MIB, "max": 5 * MIB}
    many = function(source, [row(5, 1)], calls=1200, per_call=each, peak_bytes=5 * MIB)
    assert table([many]).splitlines()[-2] == (
        "my_func: 1,200 calls, net 1.00 MiB, peak 5.00 MiB; "
        "peak of a call 1.00 MiB to 5.00 MiB, median 2.00 MiB"
    )


def test_a_source_that_changed_is_blank_and_said(source: Path) -> None:
    stamp = stamp_of(str(source))
    source.write_text(SOURCE.replace("10 ** 6", "10 ** 7"))
    os.utime(source, ns=(1, 1))
    written = table([grown(source)], block=lambda each: block_of(each, stamp=stamp))
    assert "10 **" not in written
    assert "     5     66.6 MiB      7.6 MiB           1   \n" in written
    assert "(the source has changed since it ran: contents are blank)" in written


def test_a_source_written_by_the_program_itself_is_shown(source: Path) -> None:
    written = table([grown(source)], block=lambda each: block_of(each, changed_after_ns=1))
    assert "a = [1] * (10 ** 6)" in written


def test_a_younger_source_without_that_function_is_blank(source: Path) -> None:
    source.write_text("\n" + SOURCE)
    written = table([grown(source)], block=lambda each: block_of(each, changed_after_ns=1))
    assert "a = [1]" not in written
    assert "has changed" in written


def test_a_source_that_vanished_is_blank_and_said(source: Path) -> None:
    source.unlink()
    linecache.clearcache()
    assert "(the source is not there: contents are blank)" in table([grown(source)])
    assert "(this code has no source file" in table([function("<string>", [row(1, 1)])])


def test_a_source_in_another_encoding_is_read_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "latin.py"
    path.write_bytes("# coding: latin-1\n\ndef my_func():\n    return 'é'\n".encode("latin-1"))
    assert "return 'é'" in table([function(path, [row(4)])])


def test_bytes_that_are_no_text_give_blank_contents(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_bytes(b"\n\ndef my_func():\n    return '\xff'\n")
    assert "(the source is not there: contents are blank)" in table([function(path, [row(4)])])


def test_tabs_stay_and_escape_sequences_show(tmp_path: Path) -> None:
    path = tmp_path / "tabs.py"
    path.write_text("\n\ndef my_func():\n\treturn '\x1b[2J'\n")
    assert "   \treturn '\\x1b[2J'\n" in table([function(path, [row(4)])])


def test_the_last_of_seventy_thousand_lines_is_found(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("x = 1\n" * 70_000 + "def my_func():\n    return 2\n")
    shown = table([function(path, [row(70_002)], first_line=70_001)]).splitlines()
    assert shown[5] == " 70002     66.6 MiB      0.0 MiB           1       return 2"


def test_very_long_lines_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "wide.py"
    path.write_text(f"\n\ndef my_func():\n    return '{'x' * 100_000}'\n")
    assert "x" * 100_000 in table([function(path, [row(4)])])


def test_a_module_s_body_is_shown_without_the_insides_of_functions(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    inside = "".join(f"    x{number} = 1\n" for number in range(50))
    path.write_text(f"import os\ndef f():\n{inside}\nf()\n")
    body = function(path, [row(1), row(2), row(54)], function="<module>", first_line=1)
    shown = table([body])
    assert "x0 = 1" in shown
    assert "x7 = 1" not in shown
    assert "     3                                         " + "    x0 = 1" in shown
    assert "…" in shown


def test_what_a_stream_cannot_hold_is_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    writer_to(stream)("naïve\n")
    stream.flush()
    assert raw.getvalue() == b"na\\xefve\n"


def test_a_stream_that_fails_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    class Full:
        def write(self, text: str) -> None:
            raise OSError(28, "No space left on device")

    write = writer_to(Full())
    write("a\n")
    write("b\n")
    said = capsys.readouterr().err
    assert said == "heapscope: the line profile cannot be written: No space left on device\n"


def test_names_are_matched_by_parts_that_lie_together() -> None:
    method = {"function": "Outer.Inner.load", "file": "/lib/site-packages/pack/part.py"}
    for name in (
        "load",
        "Inner.load",
        "Inner",
        "pack.part:load",
        "pack:load",
        "part.py:Inner.load",
    ):
        assert is_named(method, name), name
    for name in ("oad", "Outer.load", "nner", "other:load", "art.py:load"):
        assert not is_named(method, name), name
    assert is_named({"function": "load", "file": "a.py"}, "Inner.load"), "3.10 has plain names"
    assert is_in("/x/pack/__init__.py", "pack")
    assert is_in("/x/pack/__main__.py", "pack")
    assert not is_in("/x/unpack/__init__.py", "pack")


def test_the_json_has_the_contract_s_keys(source: Path) -> None:
    document = json.loads(json.dumps(make_document([grown(source)], "lines", block_of)))
    assert document["schema"] == "heapscope/lines/1"
    (entry,) = document["functions"]
    assert set(entry) >= {"function", "file", "first_line", "calls", "net_bytes", "peak_bytes"}
    assert set(entry["per_call"]) == {"min", "median", "max"}
    keys = "line source occurrences mem_usage_bytes increment_bytes peak_bytes allocated_bytes"
    assert set(entry["lines"][0]) == {*keys.split(), "freed_bytes", "allocations"}
    assert entry["lines"][1]["source"] == "    a = [1] * (10 ** 6)"


def test_what_allocations_cannot_tell_is_null(source: Path) -> None:
    figures = {"peak_bytes": 1, "allocated_bytes": 2, "freed_bytes": 1, "allocations": 1}
    raw = {
        "function": "my_func",
        "file": str(source),
        "first_line": 3,
        "net_bytes": 1,
        "owner": "program",
        "lines": [{"line": 5, "increment_bytes": 1, **figures}],
        **figures,
    }
    document = make_document(from_allocations([raw]), "allocations", block_of)
    (entry,) = document["functions"]
    assert entry["calls"] is None
    assert entry["per_call"] is None
    assert entry["lines"][0]["occurrences"] is None
    assert entry["lines"][0]["mem_usage_bytes"] is None


class Tags(html.parser.HTMLParser):
    """Tags and text of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_hostile_names_and_source_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a<img src=x onerror=alert(1)>.py"
    path.write_text("\n\ndef my_func():\n    return '</td><script>alert(2)</script>'\n")
    hostile = function(path, [row(4, 1, peak_bytes=MIB)], function="<b>f</b>")
    page = Tags(make_page([hostile], title="<i>", remark="<u>", block=block_of))
    assert not {"img", "script", "b", "i", "u"} & {tag for tag, _ in page.tags}
    assert "<script>alert(2)</script>" in page.text
    assert "a<img src=x onerror=alert(1)>.py" in page.text


def test_the_page_loads_nothing(source: Path) -> None:
    page = make_page([grown(source)], title="work.py", remark="", block=block_of)
    assert b"http:" not in page
    assert b"https:" not in page
    assert b"default-src 'none'" in page
    assert len(page) < 10_000

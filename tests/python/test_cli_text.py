"""Figures, places and JSON as the command line writes them."""

from __future__ import annotations

import io
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from heapscope import metadata
from heapscope.cli import output, places, units


def test_sizes_have_three_significant_digits_and_a_binary_unit() -> None:
    assert [units.size(n) for n in (0, 1, 1023, 1024, 1536, 10_000)] == [
        "0 B", "1 B", "1023 B", "1.00 KiB", "1.50 KiB", "9.77 KiB",
    ]  # fmt: skip
    assert units.size(98_821) == "96.5 KiB"
    assert units.size(223 << 20) == "223 MiB"
    assert units.size(1000 << 20) == "0.977 GiB"
    assert units.size(-(3 << 30)) == "-3.00 GiB"


def test_every_size_is_within_half_a_digit_of_the_truth() -> None:
    chance = random.Random(7)
    factors = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
    for _ in range(5_000):
        exact = int(2 ** chance.uniform(10, 42))
        number, unit = units.size(exact).split()
        assert len(number.replace(".", "").lstrip("0")) == 3
        half_digit = 0.5 * 10 ** -len(number.partition(".")[2])
        assert abs(float(number) - exact / factors[unit]) <= half_digit * 1.0001


def test_shares_of_little_are_never_shown_as_nothing() -> None:
    assert units.share(1, 10**9) == "<0.1 %"
    assert units.share(0, 10**9) == "0 %"
    assert [units.share(n, 1000) for n in (1, 99, 100, 996, 1000)] == [
        "0.1 %", "9.9 %", "10 %", "100 %", "100 %",
    ]  # fmt: skip


def test_durations_are_readable_at_every_scale() -> None:
    times = (0.0, 0.035, 0.9999, 2.04, 99.96, 725.2, 12_000.0)
    assert [units.duration(seconds) for seconds in times] == [
        "0 ms", "35 ms", "1.0 s", "2.0 s", "1 min 40 s", "12 min 5 s", "3 h 20 min",
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "share"), [("1%", 0.01), ("0.5 %", 0.005), ("100", 1), ("0", 0)])
def test_a_threshold_is_a_share_in_per_cent(text: str, share: float) -> None:
    assert units.parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "-1%", "101%", "1MiB", "nan"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        units.parse_share(text)


def test_files_are_named_by_what_tells_them_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.short_file(f"{Path.cwd()}/work/a.py") == "work/a.py"
    assert (
        places.short_file("/v/lib/python3.11/site-packages/pandas/core/a.py") == "pandas/core/a.py"
    )
    assert places.short_file("/usr/lib/python3/dist-packages/yaml/a.py") == "yaml/a.py"
    assert places.short_file("/usr/lib/python3.13/json/decoder.py") == "json/decoder.py"
    assert places.short_file("<frozen importlib._bootstrap>") == "<frozen importlib._bootstrap>"
    assert places.short_file("/elsewhere/a.py") == "/elsewhere/a.py"


def test_a_long_name_loses_its_middle_and_keeps_its_line() -> None:
    name = "package/with/a/very/long/path/and/a_module.py:1234"
    for width in range(12, len(name) + 3):
        short = places.fit(name, width)
        assert len(short) == min(width, len(name))
        assert short.endswith(":1234")
        assert short[0] == "p"


def test_a_place_and_its_function_fit_any_width() -> None:
    for width in range(12, 120):
        text = places.fit_pair("some/long/path/module.py:123", "Class.method.<locals>.inner", width)
        assert len(text) <= width


def test_source_of_a_file_that_is_gone_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_text("first\n    second\n")
    assert places.source(str(file), 2) == "second"
    assert places.source(str(file), 3) == ""
    assert places.source(str(tmp_path / "gone.py"), 1) == ""
    assert places.source("<string>", 1) == ""
    assert places.source(str(file), None) == ""


DOCUMENTS: list[Any] = [
    None,
    [],
    {},
    {"a": [], "b": {}, "c": [[], [{}]]},
    {"text": 'quo"te \\ \n \x00 \x7f ü \U0001f40d', "n": [1, -2, 3.5, True, False, None]},
    [{"deep": [{"er": {"still": 1}}]}, "x"],
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_json_reads_back(document: Any, capsys: pytest.CaptureFixture[str]) -> None:
    output.write_json(document)
    assert json.loads(capsys.readouterr().out) == document


def test_json_may_be_deeper_than_the_interpreters_stack(capsys: pytest.CaptureFixture[str]) -> None:
    depth = 10 * sys.getrecursionlimit()
    document: dict[str, object] = {}
    for _ in range(depth):
        document = {"children": [document]}
    output.write_json(document)
    text = capsys.readouterr().out
    assert text.count('{"children": [') == depth
    assert text.endswith("}" + "]}" * depth + "\n")


@pytest.mark.parametrize("document", DOCUMENTS[:1] + DOCUMENTS[2:3])
def test_metadata_json_is_json(document: object) -> None:
    assert json.loads(metadata.json_text(document)) == document


def test_metadata_json_keeps_what_is_no_text() -> None:
    value = ["ü", "\udcff", '"\\\n\x00', True, 3, None, {"k": ["v"]}]
    assert json.loads(metadata.json_text(value)) == value
    metadata.json_text(value).encode()


def test_figures_are_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console
    from rich.text import Text

    figures = [("999,999,999,999", "100 %"), ("1", "<0.1 %")]
    for width in (20, 40, 80, 200):
        written = io.StringIO()
        console = Console(file=written, width=width)
        rows = [
            (pair, lambda room: Text(places.fit("a/long/path/to/some/module.py:1", room)))
            for pair in figures
        ]
        output.print_rows(console, ["bytes", "share", "line"], rows)
        lines = written.getvalue().splitlines()
        assert [tuple(re.split(r"\s{2,}", line.strip())[:2]) for line in lines[1:]] == figures
        assert all(len(line) <= max(width, 12 + 27) for line in lines)
        assert all(line == line.rstrip() for line in lines)

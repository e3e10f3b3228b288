"""What the reading verbs print, whole: narrow, usual, wide, ASCII only, without colours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import capture_maker
import goldens
import pytest

from heapscope.cli import summary

pytestmark = pytest.mark.one_version

VERBS = {
    "summary": ["summary"],
    "tree": ["tree"],
    "inverted": ["tree", "--invert", "--threshold", "10%"],
    "frames": ["tree", "--all-frames", "--threshold", "0%"],
    "table": ["table"],
    "sites": ["table", "--group-by", "site", "--limit", "3"],
    "functions": ["table", "--group-by", "function", "--inclusive", "--limit", "5"],
    "threads": ["table", "--group-by", "thread", "--metric", "count"],
}
FIGURE = re.compile(r"(?<![\w.:])\d[\d,.]* (?:B|[KMG]iB|%|ms|s)(?!\w)")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("goldens")
    capture_maker.write(path / "work.hscope", capture_maker.example(path))
    return path


def printed(directory: Path, verb: str, columns: int, **environment: str) -> bytes:
    name, *options = VERBS[verb]
    variables = {key: value for key, value in os.environ.items() if not key.startswith("LC_")}
    variables.pop("PYTHONIOENCODING", None)
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", name, "work.hscope", *options],
        cwd=directory,
        env={**variables, "LANG": "C.UTF-8", "COLUMNS": str(columns), **environment},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert ended.stderr == b""
    return ended.stdout


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("verb", VERBS)
def test_output_is_as_it_was_and_fits(directory: Path, verb: str, columns: int) -> None:
    text = printed(directory, verb, columns).decode()
    _, *lines = text.splitlines()
    assert max(map(len, lines)) <= columns
    if columns in (60, 80, 200):
        goldens.check(f"{verb}_{columns}", text)
    widest = printed(directory, verb, 300).decode()
    assert sorted(FIGURE.findall(text)) == sorted(FIGURE.findall(widest)), "no figure is cut"


@pytest.mark.parametrize("variables", [{"LANG": "C"}, {"LC_ALL": "POSIX"}])
@pytest.mark.parametrize("verb", ["summary", "tree", "sites", "functions"])
def test_in_the_c_locale_output_is_ascii_in_the_same_shape(
    directory: Path, verb: str, variables: dict[str, str]
) -> None:
    plain = printed(directory, verb, 60, **variables)
    text = printed(directory, verb, 60).decode()
    assert plain.isascii()
    assert b"\\u" not in plain
    assert len(plain.decode()) == len(text)
    letters = [(a, b) for a, b in zip(plain.decode(), text, strict=True) if a != b]
    assert set(letters) <= {("~", "…"), ("|", "├"), ("|", "│"), ("`", "└")}


def test_letters_that_ascii_lacks_are_escapes(tmp_path: Path) -> None:
    program = capture_maker.Program([capture_maker.Blocks((("größe", "naïve.py", 1),), 1000)])
    capture_maker.write(tmp_path / "work.hscope", program)
    assert b"na\\xefve.py:1  gr\\xf6\\xdfe" in printed(tmp_path, "table", 80, LANG="C")
    assert "naïve.py:1  größe" in printed(tmp_path, "table", 80).decode()


def test_the_headline_names_the_programs_line_behind_a_library(directory: Path) -> None:
    first = printed(directory, "summary", 80).decode().splitlines()[0]
    assert first == "Peak 20.4 MiB at 600 ms; 59 % from json.loads(), called at work.py:7"


def test_the_headline_names_what_no_line_of_the_program_led_to() -> None:
    own = [{"file": "work.py", "line": 3, "function": "main", "bytes": 2**20}]
    top = [{"file": "lib/reader.py", "line": 9, "function": "read", "peak_bytes": 3 * 2**20}]
    document = {"peak_bytes": 2**22, "peak_at_s": 1.5, "top": top}
    assert summary.headline(document, own) == (
        "Peak 4.00 MiB at 1.5 s; 75 % from read() at lib/reader.py:9"
    )
    top[0]["peak_bytes"] = 2**20
    assert summary.headline(document, own).endswith("25 % from main() at work.py:3")


def test_imports_count_for_the_line_that_imports(directory: Path) -> None:
    folded = printed(directory, "tree", 200).decode()
    assert "importlib" not in folded
    assert re.search(r"313 KiB +1.5 % +└ work.py:1  <module>", folded)
    assert "importlib" in printed(directory, "frames", 200).decode()

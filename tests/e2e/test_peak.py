"""`heapscope peak`: what was live at the highest moment, though all of it was freed since."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from heapscope import Capture
from heapscope.cli import watcher
from heapscope.cli.watcher import Watcher

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "examples" / "word_prefixes.py"


def peak(
    directory: Path, *arguments: str | Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "heapscope", "peak", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "TMPDIR": str(directory), "COLUMNS": "80"},
        **options,
    )


def write(directory: Path, program: str) -> str:
    (directory / "work.py").write_text(textwrap.dedent(program))
    return "work.py"


def test_the_word_list_is_the_answer_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    ended = peak(tmp_path, "--json", WORDS)
    assert ended.returncode == 0, ended.stderr
    printed, _, document = ended.stdout.partition("{")
    assert len(printed.splitlines()) == 5, "the program's own output comes first"
    told = json.loads("{" + document)
    assert told["schema"] == "heapscope/peak/1"
    first = told["rows"][0]
    assert first["file"] == str(WORDS)
    assert WORDS.read_text().splitlines()[first["line"] - 1].strip() == "words = list(words)"
    assert first["function"] == "make_words"
    words = sum(sys.getsizeof("x" * letters) for letters in [8] * 150_000)
    assert first["peak_bytes"] > words
    # Of 150,000 words and their list no byte: the interpreter keeps the empty head of a list.
    assert first["live_bytes"] <= sys.getsizeof([])
    assert first["live_blocks"] <= 1
    assert sum(row["peak_bytes"] for row in told["rows"]) == told["total_bytes"]
    assert sum(row["live_bytes"] for row in told["rows"]) == told["live_bytes_at_end"]
    assert 0 < told["peak_at_s"] <= told["duration_s"]
    assert told["capture"] is None


@pytest.mark.one_version
def test_the_lines_are_shown_with_their_source(tmp_path: Path) -> None:
    ended = peak(tmp_path, "--limit", "1", WORDS)
    headline, _, header, row, source, rest = ended.stdout.splitlines()[5:]
    assert re.fullmatch(r"Peak [\d.]+ MiB at .* of .*; .* live at the end", headline)
    assert header.split("  ")[-1] == "line that allocates"
    assert row.endswith("make_words")
    assert source.strip() == "words = list(words)"
    assert "more rows (--limit N shows more)" in rest
    assert all(len(line) <= 80 for line in ended.stdout.splitlines())


@pytest.mark.one_version
def test_no_capture_is_left_unless_it_is_kept(tmp_path: Path) -> None:
    script = write(tmp_path, "kept = bytearray(3_000_000); print('done')")
    ended = peak(tmp_path, script)
    assert ended.stdout.startswith("done\n")
    assert sorted(os.listdir(tmp_path)) == ["work.py"]
    for option, name in (("--keep", "a.hscope"), ("-o", "b.hscope")):
        again = peak(tmp_path, option, name, script)
        assert again.returncode == 0, again.stderr
        assert again.stdout.startswith("done\n")
        assert Capture(tmp_path / name).peak_bytes >= 3_000_000
    assert sorted(os.listdir(tmp_path)) == ["a.hscope", "b.hscope", "work.py"]
    read = peak(tmp_path, "a.hscope", "--limit", "1")
    assert read.stdout.splitlines()[0].startswith("Peak ")
    assert "more rows" in read.stdout.splitlines()[-1]


@pytest.mark.one_version
def test_the_result_goes_where_it_is_sent(tmp_path: Path) -> None:
    script = write(tmp_path, "kept = bytearray(3_000_000); print('done')")
    ended = peak(tmp_path, "--json", "-o", "peak.json", script)
    assert ended.stdout == "done\n"
    assert json.loads((tmp_path / "peak.json").read_text())["total_bytes"] >= 3_000_000
    refused = peak(tmp_path, "-o", "peak.json", script)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "'peak.json' exists" in refused.stderr
    assert peak(tmp_path, "--force", "-o", "peak.json", script).returncode == 0


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import sys; sys.exit(7)", 7),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL),
        ("raise ValueError(bytearray(10))", 1),
    ],
)
def test_the_exit_code_is_the_programs_and_the_peak_is_told(
    tmp_path: Path, program: str, code: int
) -> None:
    script = write(tmp_path, f"kept = bytearray(5_000_000)\n{program}\n")
    ended = peak(tmp_path, "--json", script)
    assert ended.returncode == code
    row = json.loads(ended.stdout)["rows"][0]
    assert (row["file"], row["line"]) == (script, 1) or row["file"].endswith(f"/{script}")
    assert row["peak_bytes"] >= 5_000_000
    assert sorted(os.listdir(tmp_path)) == ["work.py"]


@pytest.mark.one_version
def test_modules_and_code_run_too(tmp_path: Path) -> None:
    write(tmp_path, "import sys; kept = bytearray(2_000_000); print(sys.argv[1:])")
    assert peak(tmp_path, "-q", "-m", "work", "--limit", "3").stdout.startswith(
        "['--limit', '3']\n"
    )
    assert "Peak 4" in peak(tmp_path, "-c", "kept = bytes(4 << 20)").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to look at"),
        (("missing.py",), "cannot run 'missing.py'"),
        (("missing.hscope",), "missing.hscope"),
        (("--limit", "0", "work.py"), "not a number of rows"),
        (("--nothing", "work.py"), "--nothing"),
        (("--watch", "a.hscope"), "--watch is for a program that is run"),
        (("a.hscope", "more"), "unrecognized arguments: more"),
    ],
)
@pytest.mark.one_version
def test_a_mistake_is_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "a.hscope").write_bytes(b"HSCOPEL\n")
    ended = peak(tmp_path, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert said in line


def maxima(stderr: str) -> list[tuple[float, float]]:
    lines = re.findall(r"^heapscope: +([\d.]+) s  max RSS ([\d.]+) MiB$", stderr, re.MULTILINE)
    return [(float(time), float(size)) for time, size in lines]


def test_each_new_maximum_is_told_also_while_c_code_holds_the_gil(tmp_path: Path) -> None:
    # PyDLL keeps the GIL: no thread of the program could look while it fills memory and waits for
    # the other side, which answers only when the maximum has been told.
    script = write(
        tmp_path,
        """\
        import ctypes, os
        c = ctypes.PyDLL(None)
        c.malloc.restype = ctypes.c_void_p
        for step in range(3):
            block = c.malloc(ctypes.c_size_t(60 << 20))
            c.memset(ctypes.c_void_p(block), 1, ctypes.c_size_t(60 << 20))
            assert c.read(0, ctypes.create_string_buffer(1), ctypes.c_size_t(1)) == 1
        """,
    )
    with subprocess.Popen(
        [sys.executable, "-m", "heapscope", "peak", "--watch", "--limit", "1", script],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        seen = ""
        for step in range(3):
            while not any(size >= 60 * (step + 1) for _, size in maxima(seen)):
                line = process.stderr.readline()
                assert line, seen
                seen += line
            process.stdin.write(".")
            process.stdin.flush()
        _, rest = process.communicate(timeout=60)
    told = maxima(seen + rest)
    assert process.returncode == 0
    assert told == sorted(told)
    assert len({size for _, size in told}) == len(told)
    assert 3 <= len(told) < 20


def test_a_maximum_is_told_when_it_is_worth_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watching = Watcher(os.getpid())
    watching.close()  # what it is shown is what it has seen
    mib = 1 << 20

    def show(highest: int, after_s: float = 0.0) -> str:
        watching._highest = highest
        watching._told_at -= after_s
        watching.look()
        return capsys.readouterr().err

    assert "max RSS 100 MiB" in show(100 * mib)
    assert show(105 * mib) == ""
    assert "max RSS 105 MiB" in show(105 * mib, after_s=2.0)
    assert show(105 * mib + 900_000, after_s=2.0) == ""
    assert "max RSS 116 MiB" in show(116 * mib)
    watching.finish(117 * mib)
    assert "max RSS 117 MiB" in capsys.readouterr().err
    watching.finish(None)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(watcher, "_LATER_S", 0.0)
    lines = sum(bool(show(int(120 * mib * 1.001**step))) for step in range(5_000))
    assert lines < 600, "a line for each hundredth at most"

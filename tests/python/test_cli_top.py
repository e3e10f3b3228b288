"""The full-screen view: what is on the screen, by a pilot that presses keys."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import capture_maker
import goldens
import pytest
from capture_maker import MIB, Blocks, Program

from heapscope import _analysis
from heapscope.cli import units
from heapscope.top.app import Top
from heapscope.top.browser import Browser
from heapscope.top.tables import TableRows, bar
from heapscope.top.timeline import columns
from heapscope.top.view import GROUPS, ORDERS, View

pytestmark = pytest.mark.one_version

NARROW, WIDE = (80, 24), (160, 50)
COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:[34][0-8]|9\d|10\d)[;m]")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("top")
    capture_maker.write(path / "work.hscope", capture_maker.example(path))
    return path


@pytest.fixture
def work(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example's capture, looked at from its own directory."""
    monkeypatch.chdir(directory)
    return directory / "work.hscope"


async def _press(path: Path, size: tuple[int, int], keys: tuple[str, ...]) -> tuple[Top, str, str]:
    from rich.console import Console
    from textual.worker import WorkerCancelled

    app = Top(Browser(_analysis.Capture(path)), path.name)
    async with app.run_test(size=size) as pilot:

        async def settle() -> None:
            """Wait until workers and messages, which start each other, have ended."""
            before: object = None
            for _ in range(50):
                await pilot.pause()
                with contextlib.suppress(WorkerCancelled):  # overtaken by the next key
                    await app.workers.wait_for_complete()
                await pilot.wait_for_scheduled_animations()
                if before == (before := [str(strip.text) for strip in strips()]):
                    return

        def strips() -> list[Any]:
            return app.screen._compositor.render_strips()

        await settle()
        for key in keys:
            await pilot.press(key)
            await settle()
        written = io.StringIO()
        console = Console(
            width=size[0],
            height=size[1],
            file=written,
            force_terminal=True,
            color_system="truecolor",
            legacy_windows=False,
            record=True,
            _environ={},
        )
        console.print(app.screen._compositor.render_update(full=True))
        styled = console.export_text(styles=True, clear=False)
        return app, console.export_text(), styled


def screen(path: Path, *keys: str, size: tuple[int, int] = NARROW) -> str:
    """Return what is on the screen after some keys."""
    return asyncio.run(_press(path, size, keys))[1]


def says(text: str) -> str:
    """Return the line above the rows, which says what is shown."""
    (line,) = [line for line in text.splitlines() if " by " in line or "calls" in line[:79]][:1]
    return line


def rows(text: str) -> list[str]:
    """Return the table's lines."""
    lines = text.splitlines()
    head = next(index for index, line in enumerate(lines) if " share " in line)
    return [line[2:].rstrip() for line in lines[head + 1 : -1] if line.strip()]


# Kept screens


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("top_narrow_table", NARROW, ()),
        ("top_narrow_functions", NARROW, ("g",)),
        ("top_narrow_sites", NARROW, ("g", "g", "g", "g")),
        ("top_narrow_tree", NARROW, ("c",)),
        ("top_narrow_inverted", NARROW, ("i",)),
        ("top_narrow_source", NARROW, ("down", "enter")),
        ("top_narrow_help", NARROW, ("question_mark",)),
        ("top_narrow_range", NARROW, ("r", "home", "enter", *["shift+right"] * 3, "enter")),
        ("top_narrow_search", NARROW, ("slash", "j", "s", "o", "n", "enter")),
        ("top_narrow_threads", NARROW, ("g", "g", "g", "g", "g")),
        ("top_wide_table", WIDE, ()),
        ("top_wide_tree", WIDE, ("c",)),
    ],
)
def test_the_screen_is_as_it_was(
    work: Path, name: str, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    text = screen(work, *keys, size=size)
    lines = text.splitlines()
    assert len(lines) <= size[1]
    assert max(map(len, lines)) <= size[0]
    goldens.check(name, text)


@pytest.mark.parametrize("keys", [(), ("c",), ("enter",), ("r",)])
def test_without_colours_the_screen_says_the_same(
    work: Path, keys: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text, styled = asyncio.run(_press(work, NARROW, keys))
    assert re.search(COLOUR, styled)
    monkeypatch.setenv("NO_COLOR", "1")
    _, plain, unstyled = asyncio.run(_press(work, NARROW, keys))
    assert plain == text
    assert not re.search(COLOUR, unstyled)
    assert "\n> " in plain or "┃" in plain, "the cursor is seen without colours"


# Figures


def test_every_metric_and_grouping_shows_the_tables_figures(work: Path) -> None:
    capture = _analysis.Capture(work)
    browser = Browser(capture)
    for metric in ("peak", "live", "allocated", "temporary", "count"):
        for group in GROUPS:
            for order in ORDERS:
                answer = browser.answer(View(metric=metric, group=group, order=order))
                table = capture.table(group, metric)
                key = "total_blocks" if metric == "count" else "total_bytes"
                assert answer.total == answer.shown == table[key]
                assert answer.listing is not None
                shown = answer.listing.rows(0, 10_000)
                assert len(shown) == len(answer.listing)
                assert all(row in table["rows"] for row in shown)


def test_a_range_aggregates_everything_anew(directory: Path) -> None:
    program = capture_maker.example(directory)
    browser = Browser(_analysis.Capture(directory / "work.hscope"))
    tick = program.tick_ns / 1e9
    for first, last in [(0, 0), (2, 4), (3, 8), (7, 9), (0, 9)]:
        view = View(range_s=((first + 0.1) * tick, (last + 0.9) * tick))
        born = [each for each in program.blocks if first <= each.born <= last]

        def lives(each: Blocks, tick: int) -> bool:
            return each.freed is None or each.freed > tick

        levels = [
            sum(each.bytes for each in program.blocks if each.born <= at and lives(each, at))
            for at in range(first, last + 1)
        ]
        expected = {
            "peak": max(levels),
            "live": sum(each.bytes for each in born if lives(each, last)),
            "allocated": sum(each.bytes for each in born),
            "temporary": sum(each.bytes for each in born if not lives(each, last)),
            "count": sum(each.count for each in born),
        }
        for metric, total in expected.items():
            for is_tree in (False, True):
                answer = browser.answer(view.having(metric=metric, is_tree=is_tree))
                assert answer.total == total, (first, last, metric)
                assert answer.range_s == pytest.approx((first * tick, (last + 1) * tick))


def test_a_range_chosen_with_keys_is_shown_and_dropped(work: Path) -> None:
    chosen = screen(work, "r", "home", "enter", "shift+right", "enter")
    assert "at the highest moment" in says(chosen)
    assert " to " in says(chosen)
    assert " to " not in says(screen(work, "r", "home", "enter", "shift+right", "enter", "a"))
    assert " to " not in says(screen(work, "r", "home", "enter", "escape"))


def test_threads_are_looked_at_one_by_one(work: Path) -> None:
    assert "thread" not in says(screen(work))
    first, second = (says(screen(work, *["t"] * number)) for number in (1, 2))
    assert {re.findall(r"thread (\S+)", text)[0] for text in (first, second)} == {
        "MainThread",
        "pool-1",
    }
    assert "thread" not in says(screen(work, "t", "t", "t"))
    by_enter = screen(work, "g", "g", "g", "g", "g", "down", "enter")
    assert "thread pool-1" in says(by_enter)
    assert rows(by_enter)[0].endswith("pool/core.py:88  Pool.run")


def test_a_search_keeps_what_contains_it_and_says_how_much(work: Path) -> None:
    text = screen(work, "slash", *"JSON", "enter")
    assert '"JSON": ' in says(text)
    assert rows(text)
    assert all("json" in row.lower() for row in rows(text))
    tree = screen(work, "slash", *"raw_decode", "enter", "c")
    assert says(tree).startswith("12.0 MiB of 20.4 MiB")
    assert "main_print" not in tree
    assert "escape" not in screen(work, "slash", *"x", "escape")
    assert says(screen(work, "slash", *"json", "escape")) == says(screen(work))


def test_rows_can_be_sorted(work: Path) -> None:
    def order(*keys: str) -> list[str]:
        return [re.split(r" {2,}", row)[-1] for row in rows(screen(work, "g", *keys))]

    assert "sorted by bytes with callees" in says(screen(work, "s"))
    assert order("s") != order()
    assert sorted(order("s")) == sorted(order())
    assert order("S") == order("s", "s", "s")


def test_the_tree_is_opened_and_closed_call_by_call(work: Path) -> None:
    start = screen(work, "c")
    assert "▾ work.py:20" in start
    closed = screen(work, "c", "left")
    assert "▸ work.py:20" in closed
    assert len(rows(closed)) < len(rows(start))
    assert rows(screen(work, "c", "left", "right")) == rows(start)
    assert "decoder.py:353" not in start
    assert "decoder.py:353" in screen(work, "c", "down", "right", "down", "right")
    imports = ["left", "down", "down", "right", "right", "down", "right"]
    assert "<frozen imp" not in screen(work, "c", *imports)
    assert "<frozen imp" in screen(work, "f", *imports)


def test_the_source_follows_the_cursor_with_the_bytes_of_each_line(work: Path) -> None:
    text = screen(work, "slash", *"work.py", "enter", "enter")
    margin = [line for line in text.splitlines() if re.search(r" 11     return", line)]
    assert len(margin) == 1
    assert margin[0].startswith(">  4.00 MiB      4.00 MiB")
    wide = screen(work, size=WIDE)
    assert "(no source here)" in wide, "of a library that is not installed here"
    assert "rows.json" in screen(work, "down", size=WIDE)


# Large and hostile captures


def test_a_large_capture_makes_only_the_rows_that_are_looked_at(tmp_path: Path) -> None:
    program = Program(
        [
            Blocks(
                tuple(
                    ("f", f"/opt/m{number % 300}.py", 1 + number // 7**depth % 50)
                    for depth in range(8)
                ),
                100 + number,
                1,
                number % 10,
            )
            for number in range(30_000)
        ]
    )
    path = capture_maker.write(tmp_path / "large.hscope", program)
    browser = Browser(_analysis.Capture(path))
    answer = browser.answer(View(group="site"))
    assert answer.listing is not None
    assert len(answer.listing) > 25_000
    fetched = []

    class Watched:
        def __init__(self, listing: Any) -> None:
            self._listing = listing

        def __len__(self) -> int:
            return len(self._listing)

        def rows(self, first: int, last: int) -> Any:
            fetched.append(last - first)
            return self._listing.rows(first, last)

    table = TableRows(answer._replace(listing=Watched(answer.listing)))  # type: ignore[arg-type]
    for index in (*range(40), *range(20_000, 20_040)):
        table.row(index, 80)
    assert sum(fetched) <= 5 * 64
    for keys in ((), ("end",), ("g", "g", "g", "g", "end"), ("c", "end"), ("i", "down", "right")):
        assert rows(screen(path, *keys))


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\nb\rc\td\x00e",
    "\u202eright to left\u202c",
    "\u2066isolated\u2069\u200b\u200f",
    "\x9b31mC1",
    "\ud800lone",
    "[bold]markup[/bold] {task.description} $x",
    "l" * 10_000,
    "漢字" * 200,
]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    blocks = [
        Blocks(((name, f"/x/{name}.py", 7), (name, f"{name}/{name}", 3)), MIB + number, 1, 0)
        for number, name in enumerate(HOSTILE)
    ]
    blocks.append(Blocks((("g", "g.py", 1),), MIB, thread=1))
    program = Program(blocks, threads=("MainThread", "\x1b[2Jthread\n\u202e"))
    program.metadata["command"] = '["python3", "\\u001b[31mx\\u202e\\n.py"]'
    return capture_maker.write(tmp_path / "\x1b[2Jhostile.hscope", program)


def assert_harmless(text: str) -> None:
    for letter in text.replace("\n", ""):
        assert letter.isprintable(), repr(letter)


@pytest.mark.parametrize(
    "keys",
    [(), ("g",), ("g", "g"), ("g", "g", "g"), ("g", "g", "g", "g"), ("t", "t"), ("c", "end"),
     ("i", "right"), ("enter",), ("g", "g", "g", "g", "g")],
    ids=" ".join,
)  # fmt: skip
def test_names_cannot_steer_the_screen(hostile: Path, keys: tuple[str, ...]) -> None:
    for size in (NARROW, WIDE):
        text = screen(hostile, *keys, size=size)
        assert_harmless(text)
        assert len(text.splitlines()) <= size[1]


@pytest.mark.parametrize(
    "arguments",
    [["summary"], ["tree"], ["tree", "--invert"], ["table"], ["table", "--group-by", "function"],
     ["table", "--group-by", "file"], ["table", "--group-by", "module"],
     ["table", "--group-by", "site"], ["table", "--group-by", "thread"],
     ["table", "--group-by", "function", "--inclusive"]],
    ids=" ".join,
)  # fmt: skip
def test_names_cannot_steer_the_terminal(hostile: Path, arguments: list[str]) -> None:
    verb, *options = arguments
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", verb, str(hostile), *options],
        capture_output=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert ended.returncode == 0
    assert_harmless(ended.stdout.decode())
    assert_harmless(ended.stderr.decode())
    assert max(map(len, ended.stdout.decode().splitlines())) < 400


def test_an_empty_capture_is_shown_as_such(tmp_path: Path) -> None:
    path = capture_maker.write(tmp_path / "empty.hscope", Program([], rss_above_heap=None))
    for keys in ((), ("c",), ("enter",), ("c", "right", "left", "enter"), ("r", "enter", "enter")):
        assert "0 B" in screen(path, *keys)


def test_any_size_of_terminal_is_drawn(work: Path) -> None:
    for size in ((20, 6), (40, 10), (119, 29), (120, 30), (300, 80)):
        for keys in ((), ("c",), ("enter",)):
            lines = screen(work, *keys, size=size).splitlines()
            assert len(lines) <= size[1]


# The plot


def test_the_plot_shows_the_highest_heap_of_each_cell() -> None:
    timeline: dict[str, list[Any]] = {
        "time_s": [1.0, 2.0, 3.0, 4.0],
        "live_bytes": [1, 5, 2, 1],
        "max_live_bytes": [2, 9, 3, 1],
        "rss_bytes": [10, None, 30, 20],
    }
    assert columns(timeline, 4.0, 4)[0] == [2, 9, 9, 3]
    assert max(columns(timeline, 4.0, 2)[0]) == 9
    heap, rss = columns(timeline, 4.0, 100)
    assert len(heap) == len(rss) == 100
    assert None in rss
    assert 0 not in heap
    assert columns({name: [] for name in timeline}, 0.0, 3) == ([0, 0, 0], [None] * 3)


def test_a_bar_of_something_is_never_empty() -> None:
    assert [bar(share, 4) for share in (0, 1e-9, 0.5, 1, 7)] == [
        "    ",
        "▏   ",
        "██  ",
        "████",
        "████",
    ]


# The verb


def top(
    arguments: list[str], prepare: Callable[[], None] | None = None, **environment: str
) -> tuple[int, bytes]:
    """Run `heapscope top` in a terminal of its own, press q as soon as it is drawn."""
    process, terminal = pty.fork()
    if not process:
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **environment})
        os.execv(sys.executable, [sys.executable, *arguments])
    written = b""
    pressed = False
    try:
        while part := os.read(terminal, 10_000):
            written += part
            if not pressed and b"metric" in written and b"work.py" in written:
                os.write(terminal, b"q")
                pressed = True
    except OSError:  # the other side is gone
        pass
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), written


def test_the_verb_draws_on_a_terminal_and_leaves_it_as_it_was(work: Path) -> None:
    code, written = top(["-m", "heapscope", "top", str(work)])
    assert code == 0
    assert written.count(b"\x1b[?1049h") == written.count(b"\x1b[?1049l") == 1
    assert b"\x1b[?25h" in written


def test_a_terminal_without_a_full_screen_is_pointed_to_the_table(work: Path) -> None:
    code, written = top(["-m", "heapscope", "top", "work.hscope"], TERM="dumb")
    assert code == 2
    assert re.fullmatch(
        rb"heapscope: [^\n]*`heapscope table work.hscope`[^\n]*\n", written.replace(b"\r", b"")
    )


def test_without_textual_the_verb_says_what_to_install(work: Path) -> None:
    block = (
        "import sys; sys.modules['textual'] = None\n"
        "from heapscope.cli.main import main; sys.exit(main(['top', 'work.hscope']))"
    )
    code, written = top(["-c", block])
    assert code == 2
    assert re.fullmatch(rb"heapscope: [^\n]*heapscope\[tui\][^\n]*\n", written.replace(b"\r", b""))


def test_without_a_terminal_the_verb_refuses_in_one_line(work: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "top", "work.hscope"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"heapscope: [^\n]*terminal[^\n]*table work.hscope[^\n]*\n", ended.stderr)


def test_the_profiled_program_loads_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(
        "import sys; print([n for n in sys.modules if n.split('.')[0] in ('textual', 'rich')])"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "heapscope", "run", "-q", "p.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout == "[]\n"


def test_sizes_on_the_screen_are_whole(work: Path) -> None:
    for row in rows(screen(work, "s")):
        assert re.match(r" *([\d.]+ [KMG]?i?B +<?[\d.]+ %)? +[\d.]+ [KMG]?i?B  ", row)
    assert units.size(20 * MIB) == "20.0 MiB"

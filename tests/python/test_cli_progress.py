"""What long work shows on a terminal, and that it shows nothing elsewhere."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from heapscope.cli import progress

pytestmark = pytest.mark.one_version


class Terminal:
    """A pseudo terminal as stderr."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.stderr = open(slave, "w", encoding="utf-8")
        self.text = b""

    def wait_for(self, part: bytes) -> None:
        while part not in self.text:
            self.text += os.read(self._master, 10_000)

    def close(self) -> None:
        self.stderr.close()
        os.close(self._master)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal that `progress` takes for stderr's."""
    made = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=made.stderr))
    monkeypatch.setattr(progress, "_DELAY_S", 0)
    monkeypatch.setenv("TERM", "xterm-256color")
    yield made
    made.close()


def test_long_work_says_what_is_done_and_leaves_no_trace(terminal: Terminal) -> None:
    with progress.working("reading work.hscope"):
        terminal.wait_for(b"reading work.hscope")
    terminal.wait_for(b"\x1b[?25h")  # the cursor is back
    last = terminal.text.rsplit(b"reading work.hscope", 1)[1]
    assert b"\x1b[2K" in last  # the line is wiped out


def test_reported_steps_fill_a_bar(terminal: Terminal) -> None:
    with progress.working("writing") as report:
        terminal.wait_for(b"writing")
        report(1, 1)
        terminal.wait_for("━".encode() * 20)


def test_work_that_fails_fails_as_it_would(terminal: Terminal) -> None:
    def work() -> None:
        with progress.working("dividing"):
            terminal.wait_for(b"dividing")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    terminal.wait_for(b"\x1b[?25h")


def test_names_cannot_steer_the_terminal(terminal: Terminal) -> None:
    with progress.working("reading \x1b[31m\u202e[bold]x.hscope"):
        terminal.wait_for(b"reading \\x1b[31m\\u202e[bold]x.hscope")
    assert b"\x1b[31m" not in terminal.text


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"TERM": ""}])
def test_a_terminal_that_cannot_move_its_cursor_is_left_alone(
    terminal: Terminal, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with progress.working("reading") as report:
        report(1, 2)
    terminal.stderr.write("end")
    terminal.stderr.flush()
    terminal.wait_for(b"end")
    assert terminal.text == b"end"


def test_without_a_terminal_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(progress, "_DELAY_S", 0)
    with progress.working("reading") as report:
        report(1, 2)
    assert written.getvalue() == ""


def test_without_a_terminal_nothing_is_imported() -> None:
    code = (
        "import sys\n"
        "from heapscope.cli import progress\n"
        "with progress.working('reading'): pass\n"
        "print([name for name in ('rich', 'threading') if name in sys.modules])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")

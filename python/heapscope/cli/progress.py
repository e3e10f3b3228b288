"""Says on a terminal what is being done, when it takes longer than half a second.

    with progress.working("reading work.hscope"):
        capture = reading.open_capture(path)

    with progress.working("writing rows") as report:
        for done, row in enumerate(rows):
            report(done, len(rows))

Nothing is printed, and nothing imported, where stderr is no terminal or it does not take long. What
was shown is wiped out at the end, so it never mixes with results. The spinner turns while the work
leaves the interpreter to other threads, as reading and sealing do.
"""

from __future__ import annotations

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    Report = Callable[[int, int], None]

_DELAY_S = 0.5
_PERIOD_S = 0.1


@contextlib.contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[Report]:
    """Show `what` on stderr while the body runs; with a bar once the body reports how far it is.

    Parameters
    ----------
    what : str
        What is being done, like ``reading work.hscope``.
    quiet : bool
        Show nothing.

    Yields
    ------
    callable
        ``report(done, total)``, cheap; calling it is optional.
    """
    if quiet or not _is_terminal():
        yield _ignore
        return
    import threading

    state = [0, 0]  # done, total

    def report(done: int, total: int) -> None:
        state[:] = done, total

    finished = threading.Event()
    shower = threading.Thread(target=_show, args=(what, state, finished), daemon=True)
    shower.start()
    try:
        yield report
    finally:
        finished.set()
        shower.join()


def _ignore(done: int, total: int) -> None:
    """Take a report that nobody sees."""


def _is_terminal() -> bool:
    if os.environ.get("TERM", "dumb") in ("dumb", "unknown", ""):
        return False
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # None, or closed
        return False


def _show(what: str, state: list[int], finished: threading.Event) -> None:
    if finished.wait(_DELAY_S):
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    from heapscope.cli.fitting import fit_end

    console = Console(file=sys.stderr, highlight=False, emoji=False, markup=False)
    spinner = SpinnerColumn("dots" if console.encoding.startswith("utf") else "line")
    text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
    shown = fit_end(what, max(console.width - 36, 10))
    with Progress(spinner, text, TimeElapsedColumn(), console=console, transient=True) as bars:
        task = bars.add_task(shown, total=None)
        while not finished.wait(_PERIOD_S):
            done, total = state
            if total and len(bars.columns) == 3:
                bars.columns = (spinner, text, BarColumn(bar_width=20), TimeElapsedColumn())
            bars.update(task, completed=done, total=total or None)

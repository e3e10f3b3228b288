"""The magics: ``%memit``, ``%mprun``, ``%%heapscope``.

They run code in the session's own process and leave tracking as they found it: where nothing was
tracked nothing is afterwards.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.display import display

from heapscope import tracking
from heapscope.errors import HeapscopeError
from heapscope.notebook import cells
from heapscope.notebook.words import take_options
from heapscope.statements import RUNS, StatementError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from heapscope.notebook.inline import InlineReport
    from heapscope.statement_figures import StatementFigures


class Magics:
    """The magics of one session.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        The session.
    """

    NAMES = ("memit", "mprun", "heapscope")

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def memit(self, line: str, cell: str | None = None) -> StatementFigures | None:
        """Measure a statement's memory exactly: peak, net, allocated, and its time beside.

        %memit [-r N] [-o] [-q] STATEMENT
        %%memit [-r N] [-o] [-q] [SETUP]
        STATEMENTS

        -r N  how many runs the figures are of, after a first one and one to warm up (default: 3)
        -o    return the figures
        -q    print nothing

        The statement sees the session's names; what it binds is its own, as under %timeit. -t, -i
        and -c of memory_profiler's %memit are accepted and have nothing to do.
        """
        from heapscope.statement_figures import memit

        options, rest = take_options(line, valued="rti", flags="coq", magic="memit")
        statement, setup = (rest, "") if cell is None else (cell, rest)
        if not statement.strip():
            raise UsageError("%memit needs a statement: %memit [-r N] [-o] [-q] STATEMENT")
        try:
            repeat = int(options.get("r", RUNS))
        except ValueError:
            repeat = 0
        if repeat < 1:
            raise UsageError(f"-r needs a number of runs, not {options['r']!r}")
        try:
            figures = memit(
                self._shell.transform_cell(statement),
                setup=self._shell.transform_cell(setup) if setup else "",
                globals=self._shell.user_ns,
                repeat=repeat,
            )
        except StatementError as error:
            raise (error.__cause__ or error) from None
        except HeapscopeError as error:
            raise UsageError(str(error)) from None
        if "q" not in options:
            print(figures)  # noqa: T201
        return figures if "o" in options else None

    def mprun(self, line: str, cell: str | None = None) -> list[dict[str, Any]] | None:
        """Profile functions line by line while a statement runs.

        %mprun -f FUNCTION [-f FUNCTION…] [-T FILE] [-r] STATEMENT
        %%mprun [-f FUNCTION…] [-T FILE] [-r]
        STATEMENTS

        -f FUNCTION  a function, method or class, of the session or defined in the cell; a cell
                     without it is profiled itself, with the functions that it defines
        -T FILE      write the tables there, too
        -r           return the figures: the functions of `heapscope lines --json`

        -c of memory_profiler's %mprun is accepted and has nothing to do.
        """
        options, statement = take_options(
            line, valued="fT", flags="rc", repeated="f", magic="mprun"
        )
        if cell is not None:
            if statement.strip():
                raise UsageError(f"%%mprun takes options only in its first line, not {statement!r}")
            statement = cell
        names: list[str] = options.get("f", [])
        if not names and cell is None:
            raise UsageError("%mprun needs a function: %mprun -f FUNCTION STATEMENT")
        if not statement.strip():
            raise UsageError("%mprun needs a statement to run")
        compiled = cells.Cell(self._shell, statement, shows=cell is not None)
        codes = self._codes(names, compiled)
        with self._tracked():
            try:
                compiled.run_profiled(codes)
            finally:
                functions = cells.profiles(codes)
                text = cells.tables(functions)
                print(text, end="")  # noqa: T201
                if "T" in options:
                    self._write(Path(options["T"]).expanduser(), text)
        return functions if "r" in options else None

    def heapscope(self, line: str, cell: str | None = None) -> None:
        """Record a cell and show its whole report below.

        %heapscope STATEMENT
        %%heapscope [-o FILE.hscope]
        STATEMENTS

        -o FILE.hscope  keep the capture there, for `heapscope summary` and the other verbs
        """
        options, rest = take_options(line, valued="o", flags="", magic="heapscope")
        if cell is not None and rest.strip():
            raise UsageError(f"%%heapscope takes options only in its first line, not {rest!r}")
        statement = rest if cell is None else cell
        if not statement.strip():
            raise UsageError("%heapscope needs a statement to run")
        if tracking.is_tracing():
            raise UsageError(
                "this session is tracked already (heapscope.start, measure or profile began it): "
                "heapscope.stop() ends that"
            )
        compiled = cells.Cell(self._shell, statement, shows=cell is not None)
        with tempfile.TemporaryDirectory(prefix="heapscope-") as directory:
            path = options.get("o") or os.path.join(directory, "cell.hscope")  # noqa: PTH118
            self._record(compiled, os.path.expanduser(path))  # noqa: PTH111

    def _record(self, cell: cells.Cell, path: str) -> None:
        try:
            recording = tracking.track(path)
            recording.__enter__()
        except (OSError, HeapscopeError) as error:
            raise UsageError(f"this cell cannot be recorded: {error}") from None
        try:
            cell.run()
        finally:
            recording.__exit__(None, None, None)
            display(self._report(recording.path))

    def _report(self, path: str) -> InlineReport:
        from heapscope.notebook.inline import make_report

        try:
            return make_report(path, cells.sources())
        except HeapscopeError as error:
            raise UsageError(str(error)) from None

    def _codes(self, names: list[str], cell: cells.Cell) -> list[CodeType]:
        """Return the code of what was named; of a cell alone, all that is in it."""
        if not names:
            return cell.codes()
        codes: list[CodeType] = []
        for name in names:
            found = cell.codes(name) or cells.codes_of(name, self._shell.user_ns)
            if not found:
                raise UsageError(f"no function {name!r} with Python code in this session")
            codes += [code for code in found if code not in codes]
        return codes

    @contextlib.contextmanager
    def _tracked(self) -> Iterator[None]:
        """Track while a magic runs, and leave it as it was."""
        before = tracking.is_tracing()
        try:
            tracking.ensure_tracking()
        except HeapscopeError as error:
            raise UsageError(str(error)) from None
        try:
            yield
        finally:
            if not before:
                tracking.stop()

    def _write(self, path: Path, text: str) -> None:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {str(path)!r}: {error.strerror or error}") from None
        print(f"also written to {path}")  # noqa: T201

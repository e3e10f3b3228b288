# ruff: noqa: PTH100, PTH108, PTH118, PTH123
# Pathlib is not loaded on the way to a program's start.
"""``heapscope lines``: runs a program and tells what each line of its functions did to memory.

The program runs as under ``run``, into a capture that is removed afterwards; the figures are read
from it, so those of a killed program are there too. What reads and prints them is imported when the
program has ended.
"""

from __future__ import annotations

import os
import sys
import time

from heapscope.cli import invocation as command_line
from heapscope.cli import lines_invocation
from heapscope.cli import run as running
from heapscope.cli.command_error import CommandError
from heapscope.cli.main import say
from heapscope.limits import snapshot_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from heapscope import _analysis
    from heapscope.cli.lines_invocation import LinesInvocation

_MAGICS = (b"HSCOPEL\n", b"HSCOPES\n")
_FUNCTIONS = 5  # of a capture without line figures, unless others are asked for


def run(arguments: list[str]) -> int:
    """Run or read; `arguments` are those after the verb.

    Returns
    -------
    int
        Of a program its exit code, 128+n when signal n ended it; else as of the reading verbs.

    Raises
    ------
    CommandError
        Wrong usage, no such script or function, no Python program, no place for a result.
    """
    invocation = lines_invocation.parse(arguments, is_capture)
    if invocation.help:
        sys.stdout.write(lines_invocation.HELP)
        return 0
    if invocation.script is not None and is_capture(invocation.script):
        _check_places(invocation)
        running_only = {
            "--all": invocation.all,
            "--keep": invocation.keep,
            "--pdb-at": invocation.pdb_at,
            "--snapshot-at": invocation.snapshot_at,
        }
        for option in filter(running_only.get, running_only):
            raise CommandError(f"{option} is for a program that is run, not for a capture")
        return _show_capture(invocation, invocation.script)
    return run_program(invocation)


def run_program(invocation: LinesInvocation, *, append: bool = False) -> int:
    """Run a program and print its line profile.

    Parameters
    ----------
    invocation : LinesInvocation
        What to run and to show.
    append : bool
        Add to the output file, as memory_profiler does.
    """
    if invocation.snapshot_at is not None and invocation.keep is None:
        raise CommandError("--snapshot-at needs --keep FILE.hscope: the snapshot lies beside it")
    _check_program(invocation)
    if not append:
        _check_places(invocation)
    directory = None
    if invocation.keep is None:
        directory = _temporary_directory()
        path = os.path.join(directory, "lines.hscope")
    else:
        path = os.path.abspath(invocation.keep)
    try:
        return _run_into(invocation, path, append=append)
    finally:
        if directory is not None:
            _remove(path, directory)


def is_capture(path: str) -> bool:
    """Whether a file begins as captures do; only a regular file is looked into."""
    try:
        if not os.path.isfile(path):  # noqa: PTH113
            return False
        with open(path, "rb") as file:
            return file.read(len(_MAGICS[0])) in _MAGICS
    except (OSError, ValueError):
        return False


def _run_into(invocation: LinesInvocation, path: str, *, append: bool) -> int:
    from heapscope.cli.supervisor import Supervisor
    from heapscope.lines import program

    request = program.request(
        everything=invocation.all, modules=invocation.modules, functions=invocation.functions
    )
    if invocation.stamps:
        request = program.stamps(os.path.abspath(invocation.output) if invocation.output else "")
    former = running.identity(path)
    started_ns = time.time_ns()
    try:
        supervisor = Supervisor(
            command_line.interpreter_options() + invocation.program,
            {
                "HEAPSCOPE_RUN": _options(invocation) + path.replace("%", "%%"),
                program.VARIABLE: request,
            },
        )
    except (OSError, ValueError) as error:
        reason = running.reason(error)
        raise CommandError(f"cannot start {sys.executable}: {reason}") from None

    from heapscope.cli import sealing

    if limits := running.limits_of(invocation):
        supervisor.sampler.watch = sealing.RssWatch(path, list(limits.values()))
    status = supervisor.wait()
    code = 1 if status is None else status if status >= 0 else 128 - status
    if running.identity(path) in (None, former):
        say("the program ran without being recorded: there is no line profile")
        return code
    if invocation.stamps:
        return code
    if invocation.keep is not None:
        sealing.finish(path, status, supervisor, announce=False)
    try:
        shown = _show_run(invocation, path, started_ns, append=append)
    except CommandError as failure:
        if not code:
            raise
        say(str(failure))
        return code
    return code or shown


def _options(invocation: LinesInvocation) -> str:
    words = [f"{name}={limit}" for name, limit in running.limits_of(invocation).items()]
    return ";".join(["f", *words]) + ":"


def _show_run(invocation: LinesInvocation, path: str, started_ns: int, *, append: bool) -> int:
    """Show what was counted; where nothing was, what lines allocated."""
    from heapscope.cli import lines_output
    from heapscope.cli.sealing import say_losses
    from heapscope.lines.document import choose, from_allocations

    capture = _open(path)
    say_losses(capture.summary()["tracker"])
    functions = _counted(capture)
    marked, partial = _marks(capture.metadata)
    functions = [
        each
        for each in functions
        if each["file"] not in partial
        or (each["file"], each["first_line"]) in marked
        or choose([each], invocation.functions, ())
    ]
    missing = [name for name in invocation.functions if not choose(functions, [name], ())]
    if functions or invocation.functions or invocation.modules:
        lines_output.write(
            invocation, _limited(invocation, functions), "lines", started_ns, append=append
        )
        if missing:
            raise CommandError(f"no function {missing[0]!r} ran: nothing to show of it")
        if not functions:
            raise CommandError(f"no code of {', '.join(invocation.modules)} ran: nothing to show")
        return 0
    if not invocation.allocations:
        if not invocation.quiet:
            say("no function marked @profile ran: there is no table")
        return 0
    if not invocation.quiet:
        say("no function marked @profile ran, so this is what lines allocated; --all counts them")
    chosen = _own(capture.function_lines())[: invocation.limit or _FUNCTIONS]
    lines_output.write(
        invocation, from_allocations(chosen), "allocations", started_ns, append=append
    )
    return 0


def _show_capture(invocation: LinesInvocation, path: str) -> int:
    """Show the line profile of a capture, or else what its lines allocated."""
    from heapscope.cli import lines_output, reading
    from heapscope.lines.document import choose, from_allocations, is_inside

    capture = reading.open_capture(path)
    asked = invocation.functions or invocation.modules
    functions = _counted(capture)
    mode = "lines"
    if not functions or (asked and not choose(functions, invocation.functions, invocation.modules)):
        mode = "allocations"
        functions = [each for each in capture.function_lines() if not is_inside(each)]
        if not asked:
            functions = _own(functions)[: invocation.limit or _FUNCTIONS]
    if asked:
        functions = choose(functions, invocation.functions, invocation.modules)
        if not functions:
            named = (invocation.functions + invocation.modules)[0]
            raise CommandError(f"no function {named!r} is in {path!r}: nothing to show")
    if mode == "allocations":
        functions = from_allocations(functions)
    started_ns = _started_ns(capture)
    lines_output.write(
        invocation, _limited(invocation, functions), mode, started_ns, directory=_home(capture)
    )
    return reading.remark(capture, path, invocation.quiet)


def _counted(capture: _analysis.Capture) -> list[dict[str, Any]]:
    """Return the functions whose lines were counted, and not printed and forgotten since."""
    from heapscope.lines.document import is_inside

    profile = capture.line_profile()
    return [each for each in profile if each["lines"] and not is_inside(each)]


def _own(functions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the program's functions; where there are none, all."""
    from heapscope.lines.document import is_inside

    functions = [each for each in functions if not is_inside(each)]
    return [each for each in functions if each["owner"] == "program"] or functions


def _marks(metadata: dict[str, str]) -> tuple[set[tuple[str, int]], set[str]]:
    """Return the functions that were marked, and the files of which only some are asked for."""
    from heapscope.lines.program import MARKED, PARTIAL

    marked = set()
    partial = set()
    for key in metadata:
        if key.startswith(MARKED):
            line, _, file = key[len(MARKED) :].partition(":")
            marked.add((file, int(line)))
        elif key.startswith(PARTIAL):
            partial.add(key[len(PARTIAL) :])
    return marked, partial


def _limited(invocation: LinesInvocation, functions: list[Any]) -> list[Any]:
    """Keep the functions with the highest peaks, in their order."""
    if invocation.limit is None or len(functions) <= invocation.limit:
        return functions
    order = sorted(range(len(functions)), key=lambda index: -functions[index]["peak_bytes"])
    return [functions[index] for index in sorted(order[: invocation.limit])]


def _open(path: str) -> _analysis.Capture:
    try:
        from heapscope import _analysis
        from heapscope.errors import HeapscopeError
    except ImportError as error:
        raise CommandError(f"the analysis cannot be loaded: {error}") from None
    try:
        return _analysis.Capture(path)
    except (HeapscopeError, OSError, RuntimeError, MemoryError) as error:
        raise CommandError(f"the line profile cannot be read: {error}") from None


def _started_ns(capture: _analysis.Capture) -> int:
    """Return when recording started, in ns since 1970."""
    import datetime

    started = capture.summary()["started_at"].replace("Z", "+00:00")
    return int(datetime.datetime.fromisoformat(started).timestamp() * 1e9)


def _home(capture: _analysis.Capture) -> str:
    return capture.metadata.get("directory", "") or "/"


def _check_places(invocation: LinesInvocation) -> None:
    """Refuse, before anything runs, files that could not be written then."""
    from heapscope.errors import HeapscopeError
    from heapscope.report.files import check_free

    try:
        places = [invocation.output, invocation.html, invocation.keep]
        if invocation.keep is not None and invocation.snapshot_at is not None:
            places.append(snapshot_path(invocation.keep, invocation.snapshot_at))
        for path in places:
            if path is None:
                continue
            check_free(path, force=invocation.force)
            place = os.path.dirname(os.path.abspath(path))  # noqa: PTH120
            if not os.access(place, os.W_OK | os.X_OK):
                missing = not os.path.isdir(place)  # noqa: PTH112
                what = "no such directory" if missing else "the directory is not writable"
                raise CommandError(f"cannot write {path!r}: {what}")
    except HeapscopeError as error:
        raise CommandError(str(error), error.exit_code) from None


def _check_program(invocation: LinesInvocation) -> None:
    """Refuse what cannot be run, or is no Python."""
    running.check_interpreter()
    script = invocation.script
    if script is None:
        return
    try:
        if os.path.isdir(script):  # noqa: PTH112 - with a __main__.py, or Python says so
            return
        with open(script, "rb") as file:
            start = file.read(4096)
            if script.endswith(".py") or start.startswith(b"PK") or _is_compiled(start):
                return
            text = start + file.read(16 << 20)
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot run {script!r}: {running.reason(error)}") from None
    if not _is_python(text, script):
        raise CommandError(f"{script!r} is no Python program: lines are counted in Python only")


def _is_compiled(start: bytes) -> bool:
    from importlib.util import MAGIC_NUMBER

    return start.startswith(MAGIC_NUMBER)


def _is_python(text: bytes, script: str) -> bool:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, script, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _temporary_directory() -> str:
    import tempfile

    try:
        return tempfile.mkdtemp(prefix="heapscope-")
    except OSError as error:
        raise CommandError(f"no place for a temporary capture: {running.reason(error)}") from None


def _remove(path: str, directory: str) -> None:
    import contextlib

    with contextlib.suppress(OSError):
        os.unlink(path)
    with contextlib.suppress(OSError):
        os.rmdir(directory)  # noqa: PTH106

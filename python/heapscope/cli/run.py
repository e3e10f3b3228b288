# ruff: noqa: PTH100, PTH108, PTH109, PTH110, PTH116, PTH118, PTH120
# Pathlib is not loaded on the way to a program's start.
"""``heapscope run``: a program, natively run, and its capture.

This process only supervises: the program is a plain ``python [options] SCRIPT ARGS`` in a process
of its own, whose ``site`` starts the tracker because HEAPSCOPE_RUN is set (module _autostart). So
``__main__``, argv, tracebacks, exit codes and atexit are CPython's own. What sealing needs is
imported while the program runs.
"""

from __future__ import annotations

import os
import stat
import sys

from heapscope.cli import invocation as command_line
from heapscope.cli.command_error import CommandError
from heapscope.limits import snapshot_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from heapscope.cli.invocation import Invocation
    from heapscope.cli.lines_invocation import LinesInvocation
    from heapscope.cli.sampler import Sampler
    from heapscope.cli.supervisor import Supervisor

_AUTOSTART_FILE = "heapscope-run.pth"


def run(arguments: list[str]) -> int:
    """Record a program; `arguments` are those after ``run``.

    Returns
    -------
    int
        The program's exit code, 128+n when signal n ended it.

    Raises
    ------
    CommandError
        The program was not started: wrong usage, no such script, no place for the capture.
    """
    invocation = command_line.parse(arguments)
    if invocation.help:
        sys.stdout.write(command_line.HELP)
        return 0
    check(invocation)
    pattern = output_pattern(invocation)
    former = identity(os.path.abspath(invocation.output)) if invocation.output else None
    former_snapshot = None
    if invocation.output and invocation.snapshot_at is not None:
        former_snapshot = identity(
            snapshot_path(os.path.abspath(invocation.output), invocation.snapshot_at)
        )

    supervisor = start(invocation, pattern)
    from heapscope._autostart import expand
    from heapscope.cli import sealing

    path = expand(pattern, supervisor.process)
    if limits := limits_of(invocation):
        supervisor.sampler.watch = sealing.RssWatch(path, list(limits.values()))
    status = supervisor.wait()
    if identity(path) in (None, former):
        sealing.say_unrecorded()
    else:
        announce = invocation.output is None and not invocation.quiet
        sealing.finish(path, status, supervisor, announce=announce)
        say_heaps(path, invocation)
        if invocation.snapshot_at is not None and not invocation.quiet:
            place = snapshot_path(path, invocation.snapshot_at)
            kept = identity(place) not in (None, former_snapshot)
            sealing.say_snapshot(place if kept else None, invocation.snapshot_at)
    return exit_code(status)


def check(invocation: Invocation) -> None:
    """Make sure that the program can be started and recorded.

    Raises
    ------
    CommandError
        This interpreter cannot record, or there is no such script.
    """
    check_interpreter()
    _check_script(invocation)


def start(
    invocation: Invocation, pattern: str, watch: Callable[[int], Sampler] | None = None
) -> Supervisor:
    """Start the program, recorded into the capture that `pattern` names.

    Parameters
    ----------
    invocation : Invocation
        The program, and whether an existing capture is replaced.
    pattern : str
        The capture's absolute path; ``%p`` is the process id, ``%%`` a per cent sign.
    watch : callable, optional
        Makes what looks at the program's resident memory.
    """
    from heapscope.cli.supervisor import Supervisor

    options = ["f"] if invocation.force else []
    options += [f"{name}={limit}" for name, limit in limits_of(invocation).items()]
    if invocation.collections is not None:
        options.append(f"gc={invocation.collections}")
    additions = {"HEAPSCOPE_RUN": f"{';'.join(options)}:{pattern}"}
    if words := heap_words(invocation):
        if invocation.output is not None:
            from heapscope.cli import heap_run

            base = heap_base(os.path.abspath(invocation.output))
            heap_run.make_room_beside(base, force=invocation.force)
        additions["HEAPSCOPE_HEAP"] = f"{';'.join(words)}:{heap_base(pattern)}"
    try:
        return Supervisor(
            command_line.interpreter_options() + invocation.program,
            additions,
            sampler=watch,
        )
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot start {sys.executable}: {reason(error)}") from None


def heap_words(invocation: Invocation) -> list[str]:
    """Return when snapshots of the heap are taken; with --snapshot-at one lies beside the copy."""
    words = list(invocation.heap_words)
    if invocation.snapshot_at is not None:
        from heapscope.cli.units import exact_size

        words.append(f"limit=at-{exact_size(invocation.snapshot_at)}")
    return words


def heap_base(path: str) -> str:
    """Return what the names of a capture's heap snapshots begin with."""
    return path.removesuffix(".hscope")


def say_heaps(path: str, invocation: Invocation) -> None:
    """Name the snapshots of the heap that were taken, and compress them."""
    words = [word for word in heap_words(invocation) if not word.startswith("signal=")]
    if heap_words(invocation):
        from heapscope.cli import heap_run

        heap_run.finish_beside(heap_base(path), words, quiet=invocation.quiet)


def limits_of(invocation: Invocation | LinesInvocation) -> dict[str, int]:
    """Return the limits that were given, by the names that _autostart has for them."""
    given = {"snapshot-at": invocation.snapshot_at, "pdb-at": invocation.pdb_at}
    return {name: limit for name, limit in given.items() if limit is not None}


def exit_code(status: int | None) -> int:
    """Return what to exit with after a program that ended so: 128+n for signal n."""
    if status is None:
        return 1
    return status if status >= 0 else 128 - status


def identity(path: str) -> tuple[int, int, int] | None:
    """Tell one state of a file from another; None where there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_ctime_ns


def reason(error: Exception) -> str:
    """Return what the system said, without number and path."""
    return getattr(error, "strerror", None) or str(error)


def check_interpreter() -> None:
    """Refuse an interpreter that could not record what it runs."""
    if not sys.executable:
        raise CommandError("this interpreter does not know its own path (sys.executable is empty)")
    if sys.flags.no_site:
        raise CommandError(
            "python -S cannot be recorded: the tracker is started by site; leave -S out"
        )
    beside = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = [os.path.dirname(beside), *sys.path]
    if not any(os.path.exists(os.path.join(place, _AUTOSTART_FILE)) for place in places):
        raise CommandError(f"{_AUTOSTART_FILE} is not in site-packages: reinstall heapscope")


def _check_script(invocation: Invocation) -> None:
    if invocation.script is None:
        return
    try:
        found = os.stat(invocation.script)
        if not stat.S_ISDIR(found.st_mode):
            os.close(os.open(invocation.script, os.O_RDONLY | os.O_NONBLOCK))
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot run {invocation.script!r}: {reason(error)}") from None


def output_pattern(invocation: Invocation) -> str:
    """Make sure that a capture can be made, and return its absolute path; ``%p`` is the process id.

    The attempt is real (a file made and removed), because permissions alone say nothing about
    read-only file systems, quotas and names that are too long.
    """
    try:
        directory = os.getcwd()
        if invocation.output is None:
            base = os.path.join(directory, invocation.name)
            _try_to_make(f"{base}.{os.getpid()}.hscope")
            return base.replace("%", "%%") + ".%p.hscope"
        path = os.path.join(directory, invocation.output)
        _check_existing(path, invocation.output, force=invocation.force)
        if invocation.snapshot_at is not None:
            _check_existing(
                snapshot_path(path, invocation.snapshot_at),
                snapshot_path(invocation.output, invocation.snapshot_at),
                force=invocation.force,
            )
        return path.replace("%", "%%")
    except (OSError, ValueError) as error:
        shown = invocation.output or "a capture in this directory"
        advice = "choose another place" if invocation.output else "choose a place with -o"
        raise CommandError(f"cannot write {shown!r}: {reason(error)}; {advice}") from None


def beside_pattern(output: str, *, force: bool) -> str:
    """Make sure that a capture can be made at `output`, for a verb that records beside its work.

    Returns
    -------
    str
        The pattern for HEAPSCOPE_RUN.

    Raises
    ------
    CommandError
        It cannot be made, or this interpreter cannot be recorded.
    """
    check_interpreter()
    invocation = command_line.Invocation()
    invocation.output, invocation.force = output, force
    return output_pattern(invocation)


def _check_existing(path: str, shown: str, *, force: bool) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        _try_to_make(path)
        return
    if stat.S_ISDIR(found.st_mode):
        raise CommandError(f"cannot write {shown!r}: it is a directory")
    if not force:
        raise CommandError(f"{shown!r} exists: choose another, or --force to replace it")
    if not stat.S_ISREG(found.st_mode):
        raise CommandError(f"cannot write {shown!r}: it is not a regular file")
    os.close(os.open(path, os.O_WRONLY))


def _try_to_make(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)

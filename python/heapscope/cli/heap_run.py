# ruff: noqa: N801, PTH119, PTH108, PTH110, PTH118, PTH123, PTH202, PTH208
# Pathlib is not loaded on the way to a program's start.
"""Runs a program that takes heap snapshots of itself, and asks a running one for a snapshot.

The program runs as under ``run``: natively, in a process of its own, supervised from here. When its
snapshots are taken is its own business (module _heapstart); here is where they are waited for,
chosen from, and removed or kept. A program is recorded only where that is needed: for the peak, and
for allocation sites.
"""

from __future__ import annotations

import os
import sys
import time

from heapscope.cli import invocation as command_line
from heapscope.cli import run as running
from heapscope.cli.command_error import CommandError
from heapscope.cli.main import say
from heapscope.cli.units import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    import signal as _signal
    from types import TracebackType
else:
    import _signal

__all__ = ["Ran", "asked", "number_of_signal", "ran", "run_program"]

_ORDER = ("memory-error", "peak", "exit")  # which is shown, where there are several
_PATIENCE_S = 600.0
_LOOK_S = 0.05
_AGAIN_S = 1.0  # after which the signal is sent once more


class Ran:
    """A program that has ended, as a context: its files are removed at the end.

    Attributes
    ----------
    exit_code : int
        What to exit with: the program's, 128+n when signal n ended it.
    path : str or None
        The snapshot that was asked for; of several that at a MemoryError, else that of the highest
        heap, else that at the end. None where none was taken.
    files : dict of str to str
        All snapshots by what they were taken at.
    """

    def __init__(self, directory: str, exit_code: int) -> None:
        self._directory = directory
        self.exit_code = exit_code
        self.files = {}
        for name in sorted(os.listdir(directory)):
            if name.endswith(".hsnap"):
                self.files[name.split(".")[-2]] = os.path.join(directory, name)
        self.path = next((self.files[word] for word in _ORDER if word in self.files), None)

    def __enter__(self) -> Ran:  # noqa: PYI034
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _remove(self._directory)


def run_program(program: list[str], options: argparse.Namespace) -> list[str]:
    """Run a program and return its snapshots, the one that is shown first.

    They are left where they are: in a directory of their own.
    """
    done = ran(program, options)
    first = [done.path] if done.path is not None else []
    return first + [path for path in done.files.values() if path not in first]


def ran(program: list[str], options: argparse.Namespace) -> Ran:
    """Run a program until it ends.

    Parameters
    ----------
    program : list of str
        ``[SCRIPT, ARGS…]``, ``["-m", MODULE, ARGS…]`` or ``["-c", CODE, ARGS…]``.
    options : argparse.Namespace
        ``at_exit``, ``at_peak``, ``on_memory_error``: bool; ``on_signal``: a signal's name or None;
        ``quiet``: bool.

    Raises
    ------
    CommandError
        The program was not started.
    """
    from heapscope.cli.supervisor import Supervisor

    invocation = command_line.parse(list(program))
    running.check(invocation)
    words = _words(options)
    directory = _temporary_directory()
    base = os.path.join(directory, "heap").replace("%", "%%")
    capture = os.path.join(directory, "heap.hscope")
    recorded = "peak" in words or getattr(options, "by", None) == "site"
    request = "f:" + capture.replace("%", "%%") if recorded else "n:"
    try:
        supervisor = Supervisor(
            command_line.interpreter_options() + invocation.program,
            {"HEAPSCOPE_RUN": request, "HEAPSCOPE_HEAP": f"{';'.join(words)}:{base}"},
        )
    except (OSError, ValueError) as error:
        _remove(directory)
        raise CommandError(f"cannot start {sys.executable}: {running.reason(error)}") from None
    status = supervisor.wait()
    done = Ran(directory, running.exit_code(status))
    _keep_signalled(done, invocation.name, supervisor.process)
    if done.path is None:
        _say_nothing_taken(words, status)
    elif "peak" in done.files and not getattr(options, "quiet", False):
        _say_distance(done.files["peak"], capture)
    return done


class asked:
    """Ask a running process for a snapshot; a context that gives its path and removes it.

    Parameters
    ----------
    process : int
        A process that `heapscope heap --on-signal` or `heapscope run --on-signal` started, or one
        that started it, such as these.

    Raises
    ------
    CommandError
        There is no such process, it was not started so, or it gives no snapshot.
    """

    def __init__(self, process: int) -> None:
        self._path: str | None = None
        process, base, number = _where_asked(process)
        wanted = f"{base}.signal-{_count(base) + 1}.hsnap"
        started = asked_at = time.monotonic()
        _send(process, number)
        while not os.path.exists(wanted):
            # A signal that comes just before a system call that blocks is noticed by Python at the
            # next one: the handler runs once, however often it was sent until then.
            if time.monotonic() - asked_at > _AGAIN_S and not _beside(wanted, ".part"):
                asked_at = time.monotonic()
                _send(process, number)
            if not os.path.exists(f"/proc/{process}"):
                raise CommandError(f"process {process} ended before it had taken the snapshot")
            if time.monotonic() - started > _PATIENCE_S:
                raise CommandError(
                    f"process {process} has taken no snapshot for {_PATIENCE_S:.0f} s; its stderr "
                    "may say why"
                )
            time.sleep(_LOOK_S)
        self._path = wanted

    def __enter__(self) -> str:
        assert self._path is not None
        return self._path

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Left empty, so that the process's next one has the next number.
        if self._path is not None:
            try:  # noqa: SIM105
                os.truncate(self._path, 0)
            except OSError:
                pass


def make_room_beside(base: str, *, force: bool) -> None:
    """Make sure that no snapshot of an earlier run lies beside a capture.

    Raises
    ------
    CommandError
        There is one, and `force` is false.
    """
    for each in _beside(base):
        if not force:
            raise CommandError(f"{each!r} exists: choose another -o, or --force to replace it")
        os.unlink(each)


def _send(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass  # the caller sees that it ended
    except OSError as error:
        raise CommandError(f"cannot ask process {process}: {running.reason(error)}") from None


def _beside(base: str, suffix: str = ".hsnap") -> list[str]:
    directory, name = os.path.split(base)
    return [
        os.path.join(directory, each)
        for each in sorted(os.listdir(directory or "."))
        if each.startswith(name + ".") and each.endswith(suffix)
    ]


def finish_beside(base: str, words: list[str], *, quiet: bool) -> None:
    """Compress the snapshots beside a capture, and name them.

    Parameters
    ----------
    base : str
        What their names begin with.
    words : list of str
        Those that were to be taken once.
    quiet : bool
        Do not name them.
    """
    from heapscope import _analysis
    from heapscope.errors import HeapscopeError

    found = _beside(base)
    for path in found:
        if os.path.getsize(path) == 0:
            os.unlink(path)
            continue
        try:
            _analysis.HeapGraph(path).save(path)
        except (HeapscopeError, OSError, ValueError) as error:
            say(f"{path!r} is left as it is: {error}")
            continue
        if not quiet:
            say(f"heap snapshot: {os.path.basename(path)}")
    for word in words:
        if not word.startswith("limit=") and f"{base}.{word}.hsnap" not in found:
            say(f"no heap snapshot at {word}")
    if "peak" in words and not quiet and f"{base}.peak.hsnap" in found:
        _say_distance(base + ".peak.hsnap", base + ".hscope")


def number_of_signal(name: str) -> int:
    """Return the number of ``USR2``, ``SIGUSR2`` or ``12``.

    Raises
    ------
    CommandError
        There is no such signal, or none that a program can handle.
    """
    text = name.upper().removeprefix("SIG")
    number = int(text) if text.isascii() and text.isdigit() else getattr(_signal, "SIG" + text, 0)
    if number not in _signal.valid_signals() or number in (_signal.SIGKILL, _signal.SIGSTOP):
        raise CommandError(f"--on-signal: there is no signal {name!r} that a program can handle")
    return int(number)


def _words(options: argparse.Namespace) -> list[str]:
    words = []
    if options.at_peak:
        words.append("peak")
    if options.on_memory_error:
        words.append("memory-error")
    if options.on_signal:
        words.append(f"signal={number_of_signal(options.on_signal)}")
    if options.at_exit or not words or words[0].startswith("signal="):
        words.append("exit")
    return words


def _where_asked(process: int) -> tuple[int, str, int]:
    """Return who takes a process's snapshots, their base, and the signal it takes them at.

    That is the process, or a program that it started: `heapscope run`, a shell, or a server's
    script is the process that the caller knows.
    """
    level = [process]
    while level:
        asked = [(each, *found) for each in level if (found := _request(each, each == process))]
        if len(asked) > 1:
            those = ", ".join(str(each) for each, *_ in asked)
            raise CommandError(f"process {process} started several programs: give one of {those}")
        if asked:
            return asked[0]
        level = [child for each in level for child in _children(each)]
    raise CommandError(
        f"process {process} was not started with --on-signal: "
        "start it with `heapscope heap --on-signal=USR2 SCRIPT.py`"
    )


def _request(process: int, must_be: bool) -> tuple[str, int] | None:
    """Return the base of a process's snapshots, and the signal it takes them at, if it does."""
    try:
        with open(f"/proc/{process}/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except FileNotFoundError:
        if not must_be:
            return None
        raise CommandError(f"there is no process {process}") from None
    except OSError as error:
        if not must_be:
            return None
        raise CommandError(f"cannot look at process {process}: {running.reason(error)}") from None
    request = next((each for each in entries if each.startswith(b"HEAPSCOPE_HEAP=")), b"")
    words, _, pattern = os.fsdecode(request[len(b"HEAPSCOPE_HEAP=") :]).partition(":")
    for word in words.split(";"):
        if word.startswith("signal="):
            from heapscope._autostart import expand

            return expand(pattern, process), int(word[len("signal=") :])
    return None


def _children(process: int) -> list[int]:
    import psutil

    try:
        return [child.pid for child in psutil.Process(process).children()]
    except psutil.Error:
        return []


def _count(base: str) -> int:
    directory, name = os.path.split(base)
    try:
        found = os.listdir(directory)
    except OSError as error:
        raise CommandError(f"cannot read {directory!r}: {running.reason(error)}") from None
    start = name + ".signal-"
    numbers = [each[len(start) : -len(".hsnap")] for each in found if each.startswith(start)]
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _keep_signalled(done: Ran, name: str, process: int) -> None:
    """Keep what was taken at signals of others, beside the caller."""
    for word in [word for word in done.files if word.startswith("signal-")]:
        path = done.files.pop(word)
        if os.path.getsize(path) == 0:  # it was asked for, and has been looked at
            continue
        import shutil

        kept = f"{name}.{process}.{word}.hsnap"
        try:
            shutil.copyfile(path, kept)
        except OSError as error:
            say(f"cannot write {kept!r}: {running.reason(error)}")
            continue
        say(f"snapshot at a signal: {kept}")


def _say_nothing_taken(words: list[str], status: int | None) -> None:
    if "exit" in words and status is not None and status < 0:
        say(f"no snapshot: signal {-status} ended the program")
    elif "exit" in words:
        say("no snapshot: the program ended without Python's own end (os._exit, exec)")
    elif "peak" in words:
        say("no snapshot: the heap did not grow by 10 %")
    else:
        say("no snapshot: the program met no MemoryError, or said above why it took none")


def _say_distance(path: str, capture: str) -> None:
    """Tell how far the snapshot is from the highest moment of the whole run."""
    from heapscope import _analysis
    from heapscope.errors import HeapscopeError

    try:
        live = int(_analysis.HeapGraph(path).info["live_bytes"])
        highest = int(_analysis.Capture(capture).summary()["peak_bytes"])
    except (HeapscopeError, OSError, KeyError, ValueError):
        return
    below = 100 * (highest - live) / highest if highest else 0.0
    say(f"snapshot at {size(live)}: {below:.1f} % below the peak of {size(highest)}")


def _temporary_directory() -> str:
    import tempfile

    try:
        return tempfile.mkdtemp(prefix="heapscope-")
    except OSError as error:
        raise CommandError(f"no place for a snapshot: {running.reason(error)}") from None


def _remove(directory: str) -> None:
    import shutil

    shutil.rmtree(directory, ignore_errors=True)

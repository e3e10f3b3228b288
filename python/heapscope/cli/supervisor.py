# ruff: noqa: PTH123
# Pathlib is not loaded on the way to a program's start.
"""Starts a program in a process of its own and stays out of its way until it has ended.

The supervisor blocks every signal it cares for before the program exists and takes them one by one
with sigtimedwait, so none is lost and none interrupts it. A signal to the whole process group, as a
key of the terminal sends, has reached the program already; one to the supervisor alone is passed
on. The program gets the signal mask and dispositions it would have had.

Only modules that an interpreter has at start-up are used: ``_signal`` where ``signal`` would pull
in ``enum``.
"""

from __future__ import annotations

import os
import sys

from heapscope.cli.sampler import Sampler
from heapscope.cli.witness import Witness

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Protocol

    class Looks(Protocol):
        """What looks at the process now and then."""

        def wait_s(self) -> float:
            """Return how long to wait for the next look."""

        def look(self) -> None:
            """Look if it is time."""

        def close(self) -> None:
            """Look no more."""
else:
    import _signal

_JOB_CONTROL = (_signal.SIGTSTP, _signal.SIGTTIN, _signal.SIGTTOU)
_FORWARDED = (
    _signal.SIGINT,
    _signal.SIGTERM,
    _signal.SIGHUP,
    _signal.SIGQUIT,
    _signal.SIGUSR1,
    _signal.SIGUSR2,
    _signal.SIGCONT,
    _signal.SIGWINCH,
    *_JOB_CONTROL,
)
_WAITED_FOR = (_signal.SIGCHLD, *_FORWARDED)
_IGNORED_BY_CPYTHON = (_signal.SIGPIPE, _signal.SIGXFSZ)  # a new process must not inherit that
_SENT_BY_KERNEL = 0x80  # SI_KERNEL
_COERCED_LOCALES = (b"C.UTF-8", b"C.utf8", b"UTF-8")


class Supervisor:
    """One program.

    Parameters
    ----------
    arguments : list of str
        The arguments of the interpreter: options, then the program.
    additions : dict of str to str
        What the environment has beyond this process's own.
    executable : (str, str), optional
        The path of the program and the name it is given, where it is not this interpreter.
    sampler : callable, optional
        Makes what looks at the process, given its id; a Sampler by default.

    Attributes
    ----------
    process : int
        The program's process id.
    max_rss_bytes : int or None
        The highest resident size that the kernel saw, once the program has ended. None where it is
        not above this process's own, which the program started as, and where the program had
        children of its own that it waited for: the kernel tells the highest of them all.
    sampler : Sampler
        What was seen of the program's resident memory while it ran, unless another looked.

    Raises
    ------
    OSError
        The interpreter could not be started.
    """

    def __init__(
        self,
        arguments: list[str],
        additions: dict[str, str],
        *,
        executable: tuple[str, str] | None = None,
        sampler: Callable[[int], Looks] | None = None,
    ) -> None:
        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, _WAITED_FOR)
        self.max_rss_bytes: int | None = None
        path, name = executable or (sys.executable, sys.executable)
        self.process = os.posix_spawn(
            path,
            [name, *arguments],
            _environment(additions),
            setsigmask=before,
            setsigdef=_IGNORED_BY_CPYTHON,
        )
        if _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN:
            # The program inherits that; here it would throw the exit status away.
            _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
        self._looks: Looks = (sampler or Sampler)(self.process)
        if isinstance(self._looks, Sampler):
            self.sampler = self._looks
        else:
            self.sampler = Sampler(self.process)
            self.sampler.close()
        self._witness: Witness | None
        try:
            self._witness = Witness(_WAITED_FOR)
        except OSError:  # no more processes: every signal is taken for one to us alone
            self._witness = None

    def wait(self) -> int | None:
        """Forward signals until the program has ended, and look at it now and then.

        The signals stay blocked afterwards: what was meant for the program must not end the
        supervisor before it has sealed the capture.

        Returns
        -------
        int or None
            The exit code, or -n when signal n ended it; None when the system kept no record.
        """
        # Where the caller ignored SIGCHLD a program that ended at once left no signal.
        ended, status = self._look()
        while not ended:
            self._looks.look()
            received = _receive(self._looks.wait_s())
            alone = received - {_signal.SIGCHLD}
            if alone and self._witness is not None:
                alone -= self._witness.of_group(alone)
            for number in alone:
                self._forward(number)
            if _signal.SIGCHLD in received:
                ended, status = self._look()
        self._looks.close()
        if self._witness is not None:
            self._witness.dismiss()
        return status

    def _look(self) -> tuple[bool, int | None]:
        """Return whether the program has ended, and how; stop when it has stopped."""
        alone = _waited_for_nobody(self.process)
        try:
            process, status, usage = os.wait4(self.process, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return True, None
        if process == 0:
            return False, None
        if os.WIFSTOPPED(status):
            self._stop_with(os.WSTOPSIG(status))
            return False, None
        if alone and usage.ru_maxrss > _own_highest_kib():
            self.max_rss_bytes = usage.ru_maxrss * 1024
        return True, os.waitstatus_to_exitcode(status)

    def _forward(self, number: int) -> None:
        try:  # noqa: SIM105
            os.kill(self.process, number)
        except OSError:  # it has ended, or runs as another user
            pass

    def _stop_with(self, number: int) -> None:
        """Stop as the program did, so that the shell sees a stopped job, and go on with it.

        Only where a terminal's shell can continue us: whoever stops the program by other means will
        continue the program alone.
        """
        if number not in _JOB_CONTROL or not _has_terminal():
            return
        os.kill(os.getpid(), _signal.SIGSTOP)
        self._forward(_signal.SIGCONT)


def _waited_for_nobody(process: int) -> bool:
    """Whether a process, though it may have ended, has waited for no child of its own."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            figures = file.read().rpartition(b")")[2].split()
        return figures[8] == b"0"  # cminflt: every process that runs has minor faults
    except (OSError, IndexError):
        return False


def _own_highest_kib() -> int:
    """Return the highest RSS of this process as it is: a new one starts with its parent's figure.

    ``getrusage`` would tell what the process was before it executed Python, too.
    """
    try:
        with open("/proc/self/status", "rb") as file:
            text = file.read()
        start = text.index(b"\nVmHWM:") + 7
        return int(text[start : text.index(b" kB", start)])
    except (OSError, ValueError):
        return sys.maxsize


def _receive(seconds: float) -> set[int]:
    """Wait for signals, no longer than so many seconds, and return all that have come.

    Those by which the terminal stops its foreground group are left out: the program has them, and
    the witness may not remember, because a SIGCONT takes them back.
    """
    received = set()
    signal = _signal.sigtimedwait(_WAITED_FOR, seconds)
    while signal is not None:
        if signal.si_signo not in _JOB_CONTROL or signal.si_code != _SENT_BY_KERNEL:
            received.add(signal.si_signo)
        signal = _signal.sigtimedwait(_WAITED_FOR, 0)
    return received


def _environment(additions: dict[str, str]) -> dict[bytes, bytes]:
    environment = dict(os.environb)
    if environment.get(b"LC_CTYPE") in _COERCED_LOCALES:
        # Maybe set by this interpreter while leaving the C locale (PEP 538). The program's must
        # make that decision itself, or its UTF-8 mode would differ.
        _restore(environment, b"LC_CTYPE")
    for name, value in additions.items():
        environment[os.fsencode(name)] = os.fsencode(value)
    return environment


def _restore(environment: dict[bytes, bytes], name: bytes) -> None:
    """Give a variable the value this process was started with, or none."""
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return
    del environment[name]
    for entry in entries:
        if entry.startswith(name + b"="):
            environment[name] = entry[len(name) + 1 :]


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True

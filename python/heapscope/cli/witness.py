"""Tells a signal to the whole process group from one to the supervisor alone.

The kernel does not: a handler learns who sent a signal, not to whom. But a signal to the group
reaches every process of it, so a process that is never told anything else bears witness: it blocks
all signals, sleeps, and when asked says which have come.

Only modules that an interpreter has at start-up are used.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterable
else:
    import _signal


class Witness:
    """A sleeping process of this process group; it ends with this one.

    Parameters
    ----------
    numbers : iterable of int
        The signals it is asked about. They must be blocked in this process.

    Raises
    ------
    OSError
        There is no process to be had.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        question, self._question = os.pipe()
        self._answer, answer = os.pipe()
        self._early: set[int] = set()
        self._process = os.fork()
        if self._process == 0:
            try:
                # Whoever waits for the end of our output must not wait for the witness.
                for descriptor in (0, 1, 2, self._question, self._answer):
                    _close(descriptor)
                _testify(frozenset(numbers), question, answer)
            finally:
                os._exit(0)
        os.close(question)
        os.close(answer)

    def of_group(self, received: set[int]) -> set[int]:
        """Return those of the signals just received that the whole group got."""
        try:
            os.write(self._question, b"?")
            seen = self._early | set(os.read(self._answer, 256)[1:])
        except OSError:  # somebody killed the witness
            return set()
        self._early = seen - received
        return seen & received

    def dismiss(self) -> None:
        """End the witness."""
        os.close(self._question)
        os.close(self._answer)
        os.waitpid(self._process, 0)


def _testify(numbers: frozenset[int], question: int, answer: int) -> None:
    """Answer each byte with one of our own and the signals that have come since."""
    while os.read(question, 1):
        seen = []
        while (received := _signal.sigtimedwait(numbers, 0)) is not None:
            seen.append(received.si_signo)
        os.write(answer, bytes([0, *seen]))


def _close(descriptor: int) -> None:
    try:  # noqa: SIM105
        os.close(descriptor)
    except OSError:
        pass

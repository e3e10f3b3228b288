"""Heap snapshots that a program takes of itself, as `heapscope heap` and `heapscope run` ask for.

Module _autostart imports this before the program's first line, where ``HEAPSCOPE_HEAP`` is set. The
variable is ``WORDS:BASE``. Words, parted by ``;``: ``exit``, ``peak``, ``memory-error``,
``limit=NAME``, ``signal=NUMBER``. In the base ``%p`` stands for the process id and ``%%`` for a per
cent sign; a snapshot is ``BASE.WORD.hsnap``, those of a signal ``BASE.signal-1.hsnap`` and so on,
in the raw form.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from types import FrameType
else:
    import _signal

VARIABLE = "HEAPSCOPE_HEAP"


class Snapshots:
    """What was asked for.

    Parameters
    ----------
    request : str
        The variable's value, the process id filled in.
    """

    def __init__(self, request: str) -> None:
        words, _, self._base = request.partition(":")
        self._words = words.split(";")
        self._taken = 0

    def arm(self) -> None:
        """Watch for what was asked for; tracking has begun if it is going to.

        Raises
        ------
        RuntimeError
            Something needs tracking, which is off.
        ValueError
            There is no such signal.
        """
        from heapscope import _tracker

        if any(word.startswith(("peak", "limit=", "memory-error")) for word in self._words):
            _tracker.heap_triggers(
                at_peak=self._path("peak"),
                at_limit=self._limit_path(),
                on_memory_error=self._path("memory-error"),
            )
        for word in self._words:
            if word.startswith("signal="):
                _signal.signal(int(word[len("signal=") :]), self._on_signal)

    def finish(self) -> None:
        """Take what is taken at the end; what was refused is said in one line."""
        from heapscope import _tracker

        path = self._path("exit")
        try:
            if path is not None:
                _tracker.heap_write(path, trigger="exit")
            refusal = _tracker.heap_finish()["refusal"]
        except (MemoryError, OSError, RuntimeError) as error:
            refusal = str(error)
        if refusal:
            _say(refusal)

    def _path(self, word: str) -> str | None:
        return f"{self._base}.{word}.hsnap" if word in self._words else None

    def _limit_path(self) -> str | None:
        for word in self._words:
            if word.startswith("limit="):
                return f"{self._base}.{word[len('limit=') :]}.hsnap"
        return None

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        from heapscope import _tracker

        self._taken += 1
        path = f"{self._base}.signal-{self._taken}.hsnap"
        try:
            _tracker.heap_start(path, "signal")
        except (MemoryError, OSError, RuntimeError) as error:
            _say(str(error))


def _say(reason: str) -> None:
    try:  # noqa: SIM105
        os.write(2, f"heapscope: no heap snapshot: {reason}\n".encode(errors="backslashreplace"))
    except OSError:
        pass

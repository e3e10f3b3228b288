"""Writes a .dat file as mprof's readers know it, with what they do not know on lines they skip.

``CMDLINE words…``, ``MEM MiB seconds`` and ``CHLD pid MiB seconds`` are mprof's; a highest that no
sample shows is a MEM line too. Beside them: ``INFO key value`` of the run, ``HIGH MiB since until``
where a MEM line is the kernel's high-water mark of an interval, ``GAP since until`` where nobody
looked, ``KIN pid`` of a descendant, and the program's own lines (module spans).

Each line is one write to a file opened for appending, so a killed run leaves whole lines.

Only modules that an interpreter has at start-up are used.
"""

from __future__ import annotations

import os

_MIB = 1048576
_MOST_LETTERS = 3000


class DatFile:
    """A .dat file that is being written; a Recorder of `TimelineSampler`.

    Parameters
    ----------
    file : int
        A descriptor opened for appending.

    Attributes
    ----------
    highest : int
        The highest size told, in bytes.
    highest_at : float
        When that was.
    failure : str or None
        Why lines are missing: the first error of a write.
    """

    def __init__(self, file: int) -> None:
        self.highest = 0
        self.highest_at = 0.0
        self.failure: str | None = None
        self._file = file

    def command(self, words: list[str]) -> None:
        """Write what was run."""
        quoted = [f"'{word}'" if " " in word or "\t" in word else word for word in words]
        self._write(f"CMDLINE {_line(' '.join(quoted))}")

    def info(self, key: str, value: object) -> None:
        """Write something about the run."""
        self._write(f"INFO {key} {_line(str(value))}")

    def sample(self, size: int, at: float) -> None:
        """Write what the process had at a moment: bytes, seconds since the epoch."""
        self._meet(size, at)
        self._write(f"MEM {size / _MIB:.6f} {at:.4f}")

    def high(self, size: int, since: float, until: float, at: float) -> None:
        """Write the highest of an interval."""
        self._meet(size, at)
        line = f"MEM {size / _MIB:.6f} {at:.4f}"
        if until > since:
            line += f"\nHIGH {size / _MIB:.6f} {since:.4f} {until:.4f}"
        self._write(line)

    def child(self, process: int, size: int, at: float) -> None:
        """Write what a descendant had at a moment."""
        self._write(f"CHLD {process} {size / _MIB:.6f} {at:.4f}")

    def kin(self, process: int) -> None:
        """Write that there is a descendant."""
        self._write(f"KIN {process}")

    def gap(self, since: float, until: float) -> None:
        """Write where nobody looked."""
        self._write(f"GAP {since:.4f} {until:.4f}")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _meet(self, size: int, at: float) -> None:
        if size > self.highest:
            self.highest, self.highest_at = size, at

    def _write(self, line: str) -> None:
        if self.failure is not None:
            return
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            written = os.write(self._file, data)
        except OSError as error:
            self.failure = error.strerror or str(error)
            return
        if written < len(data):
            self.failure = "No space left on device"


def _line(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return shown if len(shown) <= _MOST_LETTERS else shown[: _MOST_LETTERS - 1] + "…"

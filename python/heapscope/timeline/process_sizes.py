"""The sizes of one process, read from /proc, and of its descendants.

A process is held by its directory in /proc: once it is gone reads fail, whoever has its id then.
A look (RSS alone) is one read of ``statm``, some 5 us; a sample also reads ``status`` for the
kernel's high-water mark, some 30 us. Nothing here changes anything in the process: the mark is
never reset, because the program's own ``getrusage`` tells it.

Only modules that an interpreter has at start-up are used.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = os.sysconf("SC_PAGE_SIZE")
METRICS = ("rss", "pss", "uss")
_MOST_DESCENDANTS = 10_000


class ProcessGoneError(Exception):
    """The process has ended, or may not be looked at."""


class ProcessSizes:
    """One process's sizes, in bytes.

    Parameters
    ----------
    process : int
        Its id.
    metric : {"rss", "pss", "uss"}
        What `now` returns. PSS and USS make the kernel look at every page, so there is no cheap
        look and no high-water mark.

    Raises
    ------
    ProcessGoneError
        There is no such process.
    """

    def __init__(self, process: int, metric: str = "rss") -> None:
        self.process = process
        self._metric = metric
        self._mark = 0
        self._directory = self._statm = -1
        try:
            self._directory = os.open(
                f"/proc/{process}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            )
            self._statm = self._open("statm")
        except (OSError, ValueError) as error:
            self.close()
            raise ProcessGoneError(str(error)) from None

    def now(self) -> int:
        """Return the size now.

        Raises
        ------
        ProcessGoneError
            It has ended.
        """
        if self._metric != "rss":
            return self._from_rollup()
        try:
            pages = int(os.pread(self._statm, 256, 0).split(b" ", 2)[1])
        except (OSError, ValueError, IndexError):
            raise ProcessGoneError(self.process) from None
        if pages == 0 and self._is_dead():
            raise ProcessGoneError(self.process)
        return pages * PAGE

    def risen_mark(self) -> int | None:
        """Return the highest RSS ever if it rose since the last call, else None.

        The kernel keeps it whenever the process shrinks, so nothing escapes it. What stays below an
        earlier maximum does not raise it.

        Raises
        ------
        ProcessGoneError
            It has ended.
        """
        if self._metric != "rss":
            return None
        try:
            text = self._read("status")
            mark = _figure(text, b"\nVmHWM:")
        except (OSError, ValueError):
            raise ProcessGoneError(self.process) from None
        if mark <= self._mark:
            return None
        self._mark = mark
        return mark

    def close(self) -> None:
        """Give the files back."""
        for file in (self._statm, self._directory):
            if file >= 0:
                os.close(file)
        self._statm = self._directory = -1

    def _from_rollup(self) -> int:
        try:
            text = self._read("smaps_rollup")
            if self._metric == "pss":
                return _figure(text, b"\nPss:")
            return _figure(text, b"\nPrivate_Clean:") + _figure(text, b"\nPrivate_Dirty:")
        except (OSError, ValueError):
            raise ProcessGoneError(self.process) from None

    def _is_dead(self) -> bool:
        """Whether it is over though nobody has waited for it."""
        try:
            text = self._read("status")
        except OSError:
            return True
        return b"\nVmRSS:" not in text

    def _open(self, name: str) -> int:
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._directory)

    def _read(self, name: str) -> bytes:
        file = self._open(name)
        try:
            return os.read(file, 8192)
        finally:
            os.close(file)


def descendants(process: int) -> Iterator[int]:
    """Yield the ids of children, their children and so on, parents first."""
    pending, seen = [process], {process}
    while pending and len(seen) < _MOST_DESCENDANTS:
        parent = pending.pop(0)
        for child in _children(parent):
            if child not in seen:
                seen.add(child)
                pending.append(child)
                yield child


def _children(process: int) -> list[int]:
    """Return the children that all threads of a process started."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{process}/task")  # noqa: PTH208 - pathlib is not loaded
    except OSError:
        return found
    for thread in threads:
        try:
            file = os.open(f"/proc/{process}/task/{thread}/children", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            found += map(int, os.read(file, 65536).split())
        except (OSError, ValueError):
            pass
        finally:
            os.close(file)
    return found


def _figure(text: bytes, label: bytes) -> int:
    """Return the bytes that a line of kB tells; ValueError where there is none."""
    start = text.index(label) + len(label)
    return int(text[start : text.index(b" kB", start)]) * 1024

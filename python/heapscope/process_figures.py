# ruff: noqa: PTH123
# Pathlib is not loaded into a program that does not use it.
"""What the system knows of this process's memory: resident, virtual, shared, the highest, swap.

On Linux the figures are read from ``/proc/self``; elsewhere from ``getrusage`` and ``ps``, and what
they do not tell is None. Bytes everywhere. A look costs some 20 us on Linux.

The highest resident size is the kernel's VmHWM and not ``ru_maxrss`` where both are there: the
latter survives the exec that started the program, so a small program that a large one started would
have the large one's.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    Figure = int | None

_seen: dict[int, int] = {}  # the highest so far, by process: the kernel's may fall by some pages
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Status:
    """The process's resident memory, its highest, and what of it is swapped out.

    Attributes
    ----------
    rss_bytes, peak_rss_bytes, swap_bytes : int or None
        None where the system does not tell.
    """

    __slots__ = ("peak_rss_bytes", "rss_bytes", "swap_bytes")

    def __init__(self, rss: Figure, peak: Figure, swap: Figure) -> None:
        self.rss_bytes = rss
        self.peak_rss_bytes = peak
        self.swap_bytes = swap


def read_status() -> Status:
    """Read resident memory, its highest, and swap."""
    try:
        with open("/proc/self/status", "rb") as file:
            text = file.read()
    except OSError:
        rss = resident_by_ps(os.getpid())
        return Status(rss, _highest(rss), None)
    rss = _kilobytes(text, b"\nVmRSS:")
    peak = _kilobytes(text, b"\nVmHWM:")
    if peak is None:
        peak = _highest(rss)
    else:
        process = os.getpid()
        peak = _seen[process] = max(peak, rss or 0, _seen.get(process, 0))
    return Status(rss, peak, _kilobytes(text, b"\nVmSwap:"))


def read_sizes() -> tuple[Figure, Figure, Figure]:
    """Read resident, virtual and shared memory (of files and of other processes too)."""
    try:
        with open("/proc/self/statm", "rb") as file:
            virtual, resident, shared = file.read().split()[:3]
    except (OSError, ValueError):
        return resident_by_ps(os.getpid()), None, None
    return int(resident) * _PAGE, int(virtual) * _PAGE, int(shared) * _PAGE


def processor_times() -> tuple[float, float]:
    """Read the seconds that all threads have spent in user mode and in the kernel."""
    try:
        import resource
    except ImportError:
        times = os.times()  # in hundredths
        return times.user, times.system
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime, usage.ru_stime


def peak_rss_bytes(ru_maxrss: int, platform: str = sys.platform) -> int:
    """Convert what ``getrusage`` calls ``ru_maxrss``: bytes on macOS, kB on every other system.

    Examples
    --------
    >>> peak_rss_bytes(2048, "linux"), peak_rss_bytes(2048, "darwin")
    (2097152, 2048)
    """
    return ru_maxrss if platform == "darwin" else ru_maxrss * 1024


def resident_by_ps(process: int) -> int | None:
    """Ask ``ps`` for a process's resident memory, which it tells in kB on every system."""
    import subprocess

    try:
        answer = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(process)], capture_output=True, check=True
        ).stdout
        return int(answer) * 1024
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _highest(rss: int | None) -> int | None:
    """Return the highest resident size that ``getrusage`` knows; never below the present one."""
    try:
        import resource
    except ImportError:
        return None
    highest = peak_rss_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return max(highest, rss or 0) or None


def _kilobytes(text: bytes, label: bytes) -> int | None:
    start = text.find(label)
    if start < 0:
        return None
    start += len(label)
    return int(text[start : text.index(b" kB", start)]) * 1024

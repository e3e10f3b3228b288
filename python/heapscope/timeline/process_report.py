"""All sizes of a process at a moment, with its threads, its children and the system: psutil's."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil

from heapscope.errors import HeapscopeError


class ProcessEndedError(HeapscopeError):
    """The process is gone."""


class ProcessReporter:
    """What `heapscope monitor` tells of one process.

    Parameters
    ----------
    process : int
        Its id.

    Raises
    ------
    ProcessEndedError
        There is no such process.
    HeapscopeError
        It may not be looked at.
    """

    def __init__(self, process: int) -> None:
        self._pid = process
        try:
            self._process = psutil.Process(process)
            self.name = self._process.name()
            self._started = time.monotonic()
            self._cpu_s, self._cpu_at = _cpu_s(self._process), self._started
        except (psutil.NoSuchProcess, ValueError, OverflowError):
            raise ProcessEndedError(f"no process {process}: it has ended, or never was") from None
        except psutil.AccessDenied:
            raise _refused(process) from None

    def now(self) -> dict[str, Any]:
        """Return the figures; a size that the kernel does not tell is None.

        Returns
        -------
        dict
            ``time_s`` since monitoring began, ``pid``, ``rss_bytes``, ``pss_bytes``,
            ``uss_bytes``, ``vms_bytes``, ``shared_bytes``, ``swap_bytes``, ``threads`` and
            ``children`` (how many), ``cpu_percent`` since the last call, ``children_rss_bytes``,
            ``thread_list`` (``id, name, cpu_s``), ``child_list`` (``pid, name, rss_bytes``) and
            ``system`` (``total_bytes, available_bytes, swap_total_bytes, swap_used_bytes``).

        Raises
        ------
        ProcessEndedError
            It has ended.
        HeapscopeError
            It may not be looked at.
        """
        try:
            with self._process.oneshot():
                if self._process.status() == psutil.STATUS_ZOMBIE:
                    raise ProcessEndedError(f"process {self._pid} has ended")
                sizes = self._process.memory_full_info()
                cpu_s = _cpu_s(self._process)
            threads = self._threads()
            children = self._children()
        except psutil.NoSuchProcess:
            raise ProcessEndedError(f"process {self._pid} has ended") from None
        except psutil.AccessDenied:
            raise _refused(self._pid) from None
        now = time.monotonic()
        share = 100 * (cpu_s - self._cpu_s) / max(now - self._cpu_at, 1e-3)
        self._cpu_s, self._cpu_at = cpu_s, now
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return {
            "time_s": round(now - self._started, 3),
            "pid": self._pid,
            "name": self.name,
            "rss_bytes": sizes.rss,
            "pss_bytes": getattr(sizes, "pss", None),
            "uss_bytes": getattr(sizes, "uss", None),
            "vms_bytes": sizes.vms,
            "shared_bytes": getattr(sizes, "shared", None),
            "swap_bytes": getattr(sizes, "swap", None),
            "threads": len(threads),
            "children": len(children),
            "cpu_percent": round(max(share, 0.0), 1),
            "children_rss_bytes": sum(child["rss_bytes"] or 0 for child in children),
            "thread_list": threads,
            "child_list": children,
            "system": {
                "total_bytes": memory.total,
                "available_bytes": memory.available,
                "swap_total_bytes": swap.total,
                "swap_used_bytes": swap.used,
            },
        }

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the process ends; return whether it has."""
        try:
            self._process.wait(max(seconds, 0.001))
        except psutil.TimeoutExpired:
            return False
        except psutil.Error:
            return True
        return True

    def _threads(self) -> list[dict[str, Any]]:
        return [
            {
                "id": thread.id,
                "name": self._thread_name(thread.id),
                "cpu_s": round(thread.user_time + thread.system_time, 3),
            }
            for thread in self._process.threads()
        ]

    def _thread_name(self, thread: int) -> str | None:
        try:
            name = Path(f"/proc/{self._pid}/task/{thread}/comm").read_bytes()
        except OSError:
            return None
        return name.decode(errors="backslashreplace").rstrip("\n")

    def _children(self) -> list[dict[str, Any]]:
        found = []
        for child in self._process.children(recursive=True):
            try:
                found.append(
                    {"pid": child.pid, "name": child.name(), "rss_bytes": child.memory_info().rss}
                )
            except psutil.NoSuchProcess:
                continue
            except psutil.AccessDenied:
                found.append({"pid": child.pid, "name": None, "rss_bytes": None})
        return found


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _refused(process: int) -> HeapscopeError:
    return HeapscopeError(f"process {process} is another user's: its memory may not be looked at")

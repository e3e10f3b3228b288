"""Limits on a program's memory: a snapshot at one, the debugger at another."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["load_debugger", "size_of", "snapshot_path", "watch"]


def size_of(limit: str | int) -> int:
    """Return a limit in bytes.

    Raises
    ------
    ValueError
        It is no size, or not above 0.
    """
    if isinstance(limit, str):
        from heapscope.cli.units import parse_size

        return parse_size(limit)
    if limit <= 0:
        raise ValueError(f"a limit on memory must be above 0, not {limit}")
    return limit


def snapshot_path(path: str, limit: int) -> str:
    """Name the snapshot of a capture: ``work.hscope`` has ``work.at-500MiB.hscope``."""
    from heapscope.cli.units import exact_size

    return f"{path.removesuffix('.hscope')}.at-{exact_size(limit)}.hscope"


def load_debugger() -> Callable[[str, int, int], None]:
    """Import pdb, and return what `watch` wants: before tracking starts, so that it is not seen."""
    from heapscope import debugger

    return debugger.stop


def watch(
    path: str,
    snapshot_at: int | None,
    pdb_at: int | None,
    stop: Callable[[str, int, int], None] | None,
) -> None:
    """Watch the limits of the capture that is being recorded; None is no limit, sizes in bytes.

    Raises
    ------
    RuntimeError
        The process is not tracked, or the path is too long.
    """
    from heapscope import _tracker

    snapshot = "" if snapshot_at is None else snapshot_path(path, snapshot_at)
    _tracker.set_limits(snapshot_at=snapshot_at, snapshot_path=snapshot, stop_at=pdb_at, stop=stop)

"""Finds the capture that was made of the same run as a timeline."""

from __future__ import annotations

import datetime
from pathlib import Path

from heapscope.errors import HeapscopeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from heapscope import _analysis
    from heapscope.timeline.dat_reader import Timeline

_MOST_FILES = 64
_DETAIL = 0.0005
_EARLY_S = 5.0  # a process may have started before it was looked at


def capture_beside(timeline: Timeline) -> _analysis.Capture | None:
    """Return the capture, in the directory of a .dat file, of one of its processes, or None.

    Of several, the one of the largest peak. Process ids come again, so the capture's start has to
    lie within the timeline, and its host has to be the one where it is read.
    """
    known = {str(process) for process in (*timeline.children, *timeline.kin)}
    known.add(timeline.info.get("process", ""))
    known.update(str(span.process) for span in timeline.spans if span.process is not None)
    known.discard("")
    directory = Path(timeline.path).parent
    files = sorted(directory.glob("*.hscope"), key=_changed, reverse=True)[:_MOST_FILES]
    found = [capture for path in files if (capture := _of_run(path, known, timeline)) is not None]
    if not found:
        return None
    return max(found, key=lambda capture: int(capture.summary()["peak_bytes"]))


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _of_run(path: Path, processes: set[str], timeline: Timeline) -> _analysis.Capture | None:
    from heapscope import _analysis

    try:
        if path.stat().st_mtime < timeline.start - _EARLY_S:
            return None
        capture = _analysis.Capture(str(path))
        if capture.metadata.get("process_id", "") not in processes:
            return None
        started = _seconds(capture.summary()["started_at"])
    except (HeapscopeError, OSError):
        return None
    if started is None or not timeline.start - _EARLY_S <= started <= timeline.end + _EARLY_S:
        return None
    return capture


def _seconds(text: str | None) -> float | None:
    try:
        return datetime.datetime.fromisoformat((text or "").replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def line_of_peak(capture: _analysis.Capture) -> str | None:
    """Say in one line whose line holds most of the heap's peak; None where nobody does."""
    from heapscope.cli.call_tree import program_lines
    from heapscope.cli.summary import headline

    own = program_lines(capture.tree(threshold=_DETAIL, all_frames=False))
    summary = capture.summary()
    _, _, where = headline(summary, own).partition("; ")
    return where.replace(" from ", " of the heap from ", 1) if where else None

"""What tests of the line profile ask of it."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from heapscope import _tracker

MIB = 1 << 20


def profiled(
    function: Any, finished: Callable[[CodeType], object] | None = None
) -> _tracker.ProfiledFunction:
    return _tracker.profiled(function, function.__code__, finished)


def figures(function: Any) -> dict[str, Any]:
    function = getattr(function, "__wrapped__", function)
    (found,) = _tracker.line_profile(function.__code__)
    assert sum(line["increment_bytes"] for line in found["lines"]) == found["net_bytes"]
    return found


def lines_of(function: Any) -> dict[int, dict[str, Any]]:
    """Return its lines by number, the `def` line being 0."""
    found = figures(function)
    return {line["line"] - found["first_line"]: line for line in found["lines"]}


def metered(function: Any, *args: Any) -> tuple[Any, _tracker.MeterReading]:
    meter = _tracker.Meter()
    meter.start()
    result = function(*args)
    return result, meter.stop()


def warm(function: Any, *args: Any) -> None:
    """Let caches of the interpreter fill, so that they are in no figure."""
    for _ in range(3):
        function(*args)

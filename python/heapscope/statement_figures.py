"""``heapscope.memit``: what a statement costs in memory, from inside a program.

`heapscope memit` does the same in fresh processes; here the statement runs in this one.
"""

from __future__ import annotations

from typing import overload

from heapscope.cli.units import count, size
from heapscope.statements import RUNS, Statement, measure_bytes, measure_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Candidate = str | Callable[[], Any]

__all__ = ["StatementFigures", "duration", "memit"]


class StatementFigures:
    """What one run of a statement costs; bytes are exact.

    Attributes
    ----------
    statement : str
        Its source, or the name of what was called.
    runs : int
        Of how many runs the figures are the median: those after the first two.
    peak_bytes : int
        The highest that it needed beyond what was there before.
    net_bytes : int
        What it left, with what it bound to names.
    allocated_bytes, freed_bytes, allocations, frees : int
        All that it asked for and gave back, in bytes and in blocks.
    seconds : float
        The time of a run, the fastest of several timings.
    timed_while_tracked : bool
        Whether tracking was on while it was timed, which makes it slower.
    first : dict
        The same figures of the first run, which fills caches.
    setup : dict
        Those of the setup.
    ranges : dict
        Lowest and highest, of figures that were not the same in all runs.
    """

    def __init__(self, statement: str, figures: dict[str, Any]) -> None:
        self.statement = statement
        self.runs: int = figures["runs"]
        self.peak_bytes: int = figures["peak_bytes"]
        self.net_bytes: int = figures["net_bytes"]
        self.allocated_bytes: int = figures["allocated_bytes"]
        self.freed_bytes: int = figures["freed_bytes"]
        self.allocations: int = figures["allocations"]
        self.frees: int = figures["frees"]
        self.seconds: float = figures["seconds"]
        self.timed_while_tracked: bool = figures["timed_while_tracked"]
        self.first: dict[str, int] = figures["first"]
        self.setup: dict[str, int] = figures["setup"]
        self.ranges: dict[str, list[int]] = figures["ranges"]

    def __repr__(self) -> str:
        return f"<heapscope.StatementFigures {self.statement!r}: {self}>"

    def __str__(self) -> str:
        varied = ", not the same in each" if self.ranges else ""
        tracked = " while tracked" if self.timed_while_tracked else ""
        line = (
            f"peak {size(self.peak_bytes)}, net {size(self.net_bytes)}, allocated "
            f"{size(self.allocated_bytes)} in {count(self.allocations)}; "
            f"{duration(self.seconds)}{tracked} ({self.runs} runs{varied})"
        )
        if (self.first["peak_bytes"], self.first["net_bytes"]) != (self.peak_bytes, self.net_bytes):
            first = f"peak {size(self.first['peak_bytes'])}, net {size(self.first['net_bytes'])}"
            line += f"; first run: {first}"
        return line


@overload
def memit(
    statement: Candidate,
    /,
    *,
    setup: str = "",
    globals: dict[str, Any] | None = None,
    repeat: int = RUNS,
) -> StatementFigures: ...
@overload
def memit(
    statement: Candidate,
    second: Candidate,
    /,
    *others: Candidate,
    setup: str = "",
    globals: dict[str, Any] | None = None,
    repeat: int = RUNS,
) -> list[StatementFigures]: ...
def memit(
    statement: Candidate,
    /,
    *others: Candidate,
    setup: str = "",
    globals: dict[str, Any] | None = None,  # noqa: A002 - as in timeit
    repeat: int = RUNS,
) -> StatementFigures | list[StatementFigures]:
    """Measure statements: exact peak, net, bytes and allocations of a run, and its time.

    Parameters
    ----------
    statement : str or callable
        Source, or a function without arguments.
    *others : str or callable
        More candidates; each has names of its own, and runs the setup anew.
    setup : str
        Source that runs first and is not counted.
    globals : dict, optional
        Names that setup and statements see. A copy of it is used.
    repeat : int
        How many runs the figures are of, after a first one and one to warm up.

    Returns
    -------
    StatementFigures
        A list of them where there are several candidates.

    Raises
    ------
    heapscope.HeapscopeError
        A statement or the setup does not compile or raises.
    heapscope.TrackingError
        The process cannot be tracked.

    Notes
    -----
    The process is tracked for as long as the runs take and timed untracked, unless it was tracked
    already. Only what the calling thread allocates is counted.

    Examples
    --------
    >>> heapscope.memit("[0] * 1000000").peak_bytes  # doctest: +SKIP
    8000056
    """
    if repeat < 1:
        raise ValueError(f"repeat must be at least 1, not {repeat}")
    made = [_measure(each, setup, globals, repeat) for each in (statement, *others)]
    return made if others else made[0]


def duration(seconds: float) -> str:
    """Write a time with three significant digits.

    Examples
    --------
    >>> duration(1.5e-8), duration(0.012345), duration(9.999)
    ('15.0 ns', '12.3 ms', '10.0 s')
    """
    for factor, unit in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 999.5:
            return f"{_three_digits(seconds * factor)} {unit}"
    return f"{_three_digits(seconds)} s"


def _three_digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _measure(
    statement: Candidate, setup: str, names: dict[str, Any] | None, runs: int
) -> StatementFigures:
    from heapscope import _tracker, tracking

    namespace = {"__name__": "__main__"} if names is None else dict(names)
    compiled = Statement(statement, setup, namespace)
    tracked = tracking.is_tracing()
    if not tracked:
        tracking.start()
    try:
        figures = measure_bytes(compiled, runs, _tracker.Meter)
    finally:
        if not tracked:
            tracking.stop()
    figures.update(measure_seconds(compiled), timed_while_tracked=tracked)
    name = statement if isinstance(statement, str) else getattr(statement, "__name__", "…")
    return StatementFigures(name, figures)

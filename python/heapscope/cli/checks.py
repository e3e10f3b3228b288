"""The conditions of ``diff --fail-if``: ``METRIC>SIZE``, ``METRIC>+SIZE`` and ``METRIC>+PERCENT%``.

Sums are whole numbers and limits fractions, so that a check is exact at its limit.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from heapscope.cli import units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

METRICS = {
    "peak": "peak_bytes",
    "live": "live_bytes_at_end",
    "allocated": "allocated_bytes",
    "temporary": "temporary_bytes",
    "rss": "peak_rss_bytes",
    "allocations": "allocations",
    "count": "allocations",
    "objects": "objects",
}
"""What can be checked, and where the summary has it (heap snapshots: live and objects)."""

_COUNTS = ("allocations", "count", "objects")
_CHECK = re.compile(
    r"\s*(?P<metric>[a-z]+)\s*>\s*(?P<plus>\+?)\s*"
    r"(?P<number>\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})\s*(?P<unit>%|[A-Za-z]*)\s*",
    re.ASCII,
)
_UNITS = {"": 1, "B": 1}
for _power, _letter in enumerate("KMGTPE", 1):
    _UNITS[f"{_letter}IB"] = 1024**_power
    _UNITS[f"{_letter}B"] = 1000**_power


class Check(NamedTuple):
    """A condition that must not hold.

    Attributes
    ----------
    text : str
        As it was written.
    metric : str
        One of `METRICS`.
    relative : bool
        Whether the limit is on top of what A has.
    percent : bool
        Whether the limit is in per cent of what A has.
    limit : fractions.Fraction
        Bytes, a count or per cent.
    """

    text: str
    metric: str
    relative: bool
    percent: bool
    limit: Fraction


def parse(text: str) -> Check:
    """Read a condition.

    Raises
    ------
    ValueError
        It is none; the message says why.

    Examples
    --------
    >>> parse("peak>+5%").limit, parse("peak > 1.5GiB").limit, parse("allocations>+1000").relative
    (Fraction(5, 1), Fraction(1610612736, 1), True)
    """
    found = _CHECK.fullmatch(text)
    if found is None:
        raise ValueError("not of the form METRIC>SIZE, METRIC>+SIZE or METRIC>+PERCENT%")
    metric, unit = found["metric"], found["unit"]
    if metric not in METRICS:
        raise ValueError(f"no such metric: {metric} (there are {', '.join(METRICS)})")
    limit = Fraction(found["number"])
    if unit == "%":
        if not found["plus"]:
            raise ValueError(f"per cent are of A: {metric}>+{found['number']}%")
        return Check(text.strip(), metric, relative=True, percent=True, limit=limit)
    if metric in _COUNTS and unit:
        raise ValueError(f"{metric} is a count and has no unit")
    factor = _UNITS.get(unit.upper())
    if factor is None:
        raise ValueError(f"no such unit: {unit} (KiB, MiB, GiB, … or nothing for bytes)")
    return Check(text.strip(), metric, bool(found["plus"]), percent=False, limit=limit * factor)


class Outcome(NamedTuple):
    """What a check found.

    Attributes
    ----------
    check : Check
        The condition.
    a, b : int
        What both captures have.
    most : fractions.Fraction
        The highest that B may have.
    """

    check: Check
    a: int
    b: int
    most: Fraction

    @property
    def failed(self) -> bool:
        """Whether B has more than it may."""
        return self.b > self.most

    def document(self) -> dict[str, Any]:
        """Return the check for JSON; ``limit`` is what B may have, rounded down."""
        return {
            "check": self.check.text,
            "a": self.a,
            "b": self.b,
            "limit": int(self.most),
            "failed": self.failed,
        }

    def line(self) -> str:
        """Say which check failed and by how much."""
        write = units.count if self.check.metric in _COUNTS else units.size
        change = self.b - self.a
        grown = f"{'+' if change >= 0 else ''}{write(change)}"
        if self.a:
            percent = 100 * change / self.a
            grown += f", {percent:+.3g} %"
        over = self.b - int(self.most)
        return (
            f"check failed: {self.check.text}: {self.check.metric} went from {write(self.a)} to "
            f"{write(self.b)} ({grown}), {write(over)} over the limit"
        )


def apply(check: Check, a: dict[str, Any], b: dict[str, Any]) -> Outcome:
    """Apply a check to two summaries.

    Raises
    ------
    ValueError
        A capture does not know the metric.
    """
    key = METRICS[check.metric]
    if b.get(key) is None or (check.relative and a.get(key) is None):
        which = "B" if b.get(key) is None else "A"
        raise ValueError(f"{which} does not know its {key.replace('_', ' ')}")
    before, after = a.get(key) or 0, b[key]
    most = check.limit
    if check.percent:
        most = before * (1 + check.limit / 100)
    elif check.relative:
        most = before + check.limit
    return Outcome(check, before, after, most)

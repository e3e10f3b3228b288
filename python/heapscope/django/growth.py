"""What grew between two censuses: by type, with who holds it and where it was allocated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapscope.django.census import growth, steady

if TYPE_CHECKING:
    from heapscope.django.census import Censuses

_MOST_ROWS = 25


def between(censuses: Censuses) -> list[dict[str, Any]]:
    """Return a row for each type that grew, most bytes first."""
    first, last = censuses.first, censuses.last
    if first is None or last is None:
        return []
    rows = growth(first.counts(), last.counts())
    always = steady(censuses.series)
    told = [row for row in rows if row["bytes"] > 0][:_MOST_ROWS]
    for row in told:
        row["steady"] = row["type"] in always
    return told

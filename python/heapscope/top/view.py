"""What is being looked at: the choices that a key changes, as one value."""

from __future__ import annotations

import dataclasses

from heapscope.cli.metrics import METRICS

GROUPS = ("line", "function", "file", "module", "site", "thread", "domain")
ORDERS = {
    "own": "own bytes",
    "inclusive": "bytes with callees",
    "blocks": "blocks",
    "name": "name",
}

_OF_RANGE = {
    "peak": "at the highest moment",
    "live": "allocated in the range and still live at its end",
    "allocated": "allocated in the range",
    "temporary": "allocated and freed in the range",
    "count": "allocations in the range",
}


@dataclasses.dataclass(frozen=True)
class View:
    """One state of the screen.

    Attributes
    ----------
    metric : str
        As ``--metric``.
    group : str
        What a row of the table is, one of GROUPS.
    order : str
        What the table is sorted by, one of ORDERS.
    is_tree : bool
        The call tree instead of the table.
    inverted : bool
        The tree begins with the lines that allocate.
    all_frames : bool
        The tree has the frames of importlib too.
    search : str
        Only rows, or stacks of the tree, with this text.
    thread : str or None
        Only this thread.
    range_s : tuple of float, or None
        Only this part of the run.
    """

    metric: str = "peak"
    group: str = "line"
    order: str = "own"
    is_tree: bool = False
    inverted: bool = False
    all_frames: bool = False
    search: str = ""
    thread: str | None = None
    range_s: tuple[float, float] | None = None

    def having(self, **changes: object) -> View:
        """Return the view with something changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    @property
    def has_inclusive(self) -> bool:
        """Whether rows have figures that include their callees."""
        return self.group not in ("thread", "domain")

    @property
    def measure(self) -> str:
        """Say what the figures are."""
        return METRICS[self.metric].title if self.range_s is None else _OF_RANGE[self.metric]


def following(names: tuple[str, ...], current: str, step: int = 1) -> str:
    """Return the name `step` places on, round and round."""
    return names[(names.index(current) + step) % len(names)]

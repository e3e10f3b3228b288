"""A snapshot of the live blocks: grouped, compared, filtered, written and read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from heapscope.traces import files
from heapscope.traces.blocks import Blocks
from heapscope.traces.filters import BaseFilter, DomainFilter, Filter
from heapscope.traces.frames import RawFrame, RawFrames, Traceback
from heapscope.traces.sequence import Traces
from heapscope.traces.statistic import Statistic, StatisticDiff, differences

if TYPE_CHECKING:
    import tracemalloc


class Snapshot:
    """The blocks that were live at one moment. Made by `take_snapshot`.

    Parameters
    ----------
    traces : sequence of tuple
        (domain, size, frames with the most recent first, frames of the whole stack) of each block.
    traceback_limit : int
        To how many frames stacks were cut.

    Attributes
    ----------
    traces : sequence of Trace
        One for each block, made when it is looked at.
    traceback_limit : int
        See above.
    """

    def __init__(self, traces: Iterable[Sequence[Any]] | Blocks, traceback_limit: int) -> None:
        self._blocks = traces if isinstance(traces, Blocks) else Blocks.of_traces(traces)
        self.traces = Traces(self._blocks)
        self.traceback_limit = traceback_limit

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self.traces)} blocks>"

    def statistics(self, key_type: str, cumulative: bool = False) -> list[Statistic]:
        """Group the blocks and sum their bytes.

        Parameters
        ----------
        key_type : {"lineno", "filename", "traceback"}
            What makes a group.
        cumulative : bool
            Count a block in the groups of all its frames, not of the most recent one only. As in
            tracemalloc a block counts once for each of its frames, so a line that calls itself
            has its blocks several times. Not with "traceback".

        Returns
        -------
        list of Statistic
            The largest first.

        Raises
        ------
        ValueError
            Another key type, or "traceback" with `cumulative`.
        """
        found = list(self._group_by(key_type, cumulative).values())
        found.sort(key=Statistic._sort_key, reverse=True)
        return found

    def compare_to(
        self,
        old_snapshot: Snapshot | tracemalloc.Snapshot,
        key_type: str,
        cumulative: bool = False,
    ) -> list[StatisticDiff]:
        """Compare with an older snapshot.

        Parameters
        ----------
        old_snapshot : Snapshot
            One of tracemalloc's will do too.
        key_type, cumulative
            As of `statistics`.

        Returns
        -------
        list of StatisticDiff
            One for each group of either snapshot, the largest change first.

        Raises
        ------
        ValueError
            As `statistics`.
        """
        if not isinstance(old_snapshot, Snapshot):
            old_snapshot = Snapshot.from_tracemalloc(old_snapshot)
        return differences(
            self._group_by(key_type, cumulative), old_snapshot._group_by(key_type, cumulative)
        )

    def filter_traces(self, filters: Iterable[BaseFilter]) -> Snapshot:
        """Return a new snapshot with the blocks that the filters let through.

        Parameters
        ----------
        filters : list of Filter and DomainFilter
            A block stays when one of the inclusive filters matches it (or there is none), and no
            exclusive one does.

        Returns
        -------
        Snapshot
            A new one, also when there are no filters.

        Raises
        ------
        TypeError
            One filter instead of a list of them.
        """
        if not isinstance(filters, Iterable):
            raise TypeError(f"filters must be a list of filters, not {type(filters).__name__}")
        filters = list(filters)
        keeping = [each for each in filters if each.inclusive]
        dropping = [each for each in filters if not each.inclusive]
        blocks = self._blocks
        # Ours do not look at sizes: they are asked once for each stack and domain.
        by_size = not all(type(each) in (Filter, DomainFilter) for each in filters)
        known: dict[tuple[Any, ...], bool] = {}

        def keeps(row: int) -> bool:
            size = blocks.sizes[row] if by_size else 0
            kind = (blocks.of_stack[row], blocks.domains[row], size)
            answer = known.get(kind)
            if answer is None:
                trace = blocks.trace(row)
                answer = (not keeping or any(each._match(trace) for each in keeping)) and all(
                    each._match(trace) for each in dropping
                )
                known[kind] = answer
            return answer

        return Snapshot(blocks.select(keeps), self.traceback_limit)

    def _group_by(self, key_type: str, cumulative: bool) -> dict[Traceback, Statistic]:
        if key_type not in ("traceback", "filename", "lineno"):
            raise ValueError(f"unknown key_type: {key_type!r}")
        if cumulative and key_type == "traceback":
            raise ValueError("cumulative mode cannot be used with key type 'traceback'")
        found: dict[RawFrames, Statistic] = {}
        stacks = self._blocks.stacks
        for stack, (size, count) in self._blocks.totals().items():
            frames = stacks.frames(stack)
            keys: Iterable[RawFrames]
            if key_type == "traceback":
                keys = (frames,)
            else:
                looked_at = frames if cumulative else frames[:1]
                keys = (
                    [(_without_line(frame),) for frame in looked_at]
                    if (key_type == "filename")
                    else [(frame,) for frame in looked_at]
                )
            for key in keys:
                statistic = found.get(key)
                if statistic is None:
                    found[key] = Statistic(Traceback(key), size, count)
                else:
                    statistic.size += size
                    statistic.count += count
        return {statistic.traceback: statistic for statistic in found.values()}

    # ---- files and tracemalloc's own

    def dump(self, filename: str | os.PathLike[str]) -> None:
        """Write the snapshot into a file, in place of one that is there.

        The file is JSON, no pickle: reading it executes nothing. Attributes that were set on the
        snapshot are written with it.

        Parameters
        ----------
        filename : str or os.PathLike
            The file.

        Raises
        ------
        OSError
            It cannot be written; nothing is there then, or what was.
        TypeError
            An attribute that was set on the snapshot cannot be told in JSON.
        """
        extra = {name: value for name, value in vars(self).items() if name not in files.RESERVED}
        files.write(filename, self._blocks, self.traceback_limit, extra)

    @staticmethod
    def load(filename: str | os.PathLike[str]) -> Snapshot:
        """Read what `dump` wrote.

        Parameters
        ----------
        filename : str or os.PathLike
            The file.

        Raises
        ------
        CaptureError
            It is no such file, or it is damaged. A pickle of tracemalloc's is refused, since
            loading one executes what it says: see `from_tracemalloc`.
        OSError
            It cannot be read.
        """
        blocks, limit, extra = files.read(filename)
        snapshot = Snapshot(blocks, limit)
        for name, value in extra.items():
            setattr(snapshot, name, value)
        return snapshot

    @classmethod
    def from_tracemalloc(cls, snapshot: tracemalloc.Snapshot) -> Snapshot:
        """Return a snapshot of tracemalloc's as one of ours."""
        traces: Any = snapshot.traces
        return cls(traces._traces, snapshot.traceback_limit)

    def to_tracemalloc(self) -> tracemalloc.Snapshot:
        """Return a snapshot of tracemalloc's, with a tuple for each block.

        The domains ``"malloc"`` and ``"mmap"`` become 1 and 2, as in ``heapscope export``.
        """
        import tracemalloc

        numbers = {"malloc": 1, "mmap": 2}
        traces = [
            (numbers.get(domain, domain) if isinstance(domain, str) else domain, *rest)
            for domain, *rest in self.traces._raw()
        ]
        return tracemalloc.Snapshot(traces, self.traceback_limit)  # type: ignore[arg-type]


def _without_line(frame: RawFrame) -> RawFrame:
    return (frame[0], 0)

"""Captures of programs, read back: figures, tables, trees and the timeline.

Bytes are what the allocator was asked for; times are seconds since tracking started.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapscope import _analysis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapscope.report import Report


@dataclass(frozen=True)
class StackFrame:
    """One frame of a stack.

    Attributes
    ----------
    function : str
        Qualified name of the code object (its plain name on CPython 3.10).
    file : str
        ``co_filename``, unchanged.
    line : int or None
        1-based; None where the instruction belongs to no line.
    column : int or None
        0-based byte offset in the line as in ``co_positions()``; None before CPython 3.11.
    """

    function: str
    file: str
    line: int | None
    column: int | None


@dataclass(frozen=True)
class Site:
    """What one stack allocated in one domain.

    Attributes
    ----------
    stack : tuple of StackFrame
        Outermost frame first; empty where no Python code ran.
    domain : str
        ``object``, ``mem``, ``raw``, ``malloc`` or ``mmap``.
    thread : str
        Name of the thread.
    peak_bytes, peak_blocks : int
        Live at the instant of the process-wide maximum; the sum over sites is the peak.
    live_bytes, live_blocks : int
        Live when tracking stopped.
    allocated_bytes, allocations : int
        Ever allocated.
    temporary_bytes, temporary_allocations : int
        Of these, freed before the same thread's 8th later allocation.
    largest_bytes : int
        The largest block ever.
    """

    stack: tuple[StackFrame, ...]
    domain: str
    thread: str
    peak_bytes: int
    peak_blocks: int
    live_bytes: int
    live_blocks: int
    allocated_bytes: int
    allocations: int
    temporary_bytes: int
    temporary_allocations: int
    largest_bytes: int

    @property
    def file(self) -> str:
        """File of the innermost frame; empty where there is none."""
        return self.stack[-1].file if self.stack else ""

    @property
    def line(self) -> int | None:
        """Line of the innermost frame."""
        return self.stack[-1].line if self.stack else None

    @property
    def function(self) -> str:
        """Function of the innermost frame; empty where there is none."""
        return self.stack[-1].function if self.stack else ""


@dataclass(frozen=True)
class Event:
    """A moment (mark) or a stretch of time (span) that the program named.

    Attributes
    ----------
    kind : str
        ``mark`` or ``span``.
    label : str
        What it is called.
    thread : str or None
        Name of the thread; None where it is not known.
    begin_s, end_s : float or None
        Seconds since tracking started. The end of a span that was open when the program was killed
        is None; a mark ends where it begins.
    begin_live_bytes, end_live_bytes : int or None
        The heap at these times; None where there is no end.
    count : int
        How many it stands for: after the first 4,096, what follows at once with the same label on
        the same thread is kept as one, from the beginning of the first to the end of the last.
    inside_s : float
        Of a span, the time inside, less than from begin to end where it stands for several.
    """

    kind: str
    label: str
    thread: str | None
    begin_s: float
    end_s: float | None
    begin_live_bytes: int
    end_live_bytes: int | None
    count: int
    inside_s: float


class Capture:
    """A recorded run: a ``.hscope`` file, sealed or live.

    A live capture is one that is still being written, or that a killed program left: `complete` is
    then false and the figures are those of the last event.

    Parameters
    ----------
    path : str, bytes or os.PathLike
        The file. It is read whole and not kept open.

    Raises
    ------
    heapscope.CaptureError
        The file cannot be opened, is no capture or of an unknown version, or nothing can be read.

    Examples
    --------
    >>> capture = heapscope.Capture("out.hscope")          # doctest: +SKIP
    >>> for site in capture.sites(metric="peak", limit=3):  # doctest: +SKIP
    ...     print(site.peak_bytes, site.file, site.line)
    """

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None:
        self._capture = _analysis.Capture(path)
        self._summary: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<heapscope.Capture {self.path!r}: peak {self.peak_bytes} bytes>"

    @property
    def path(self) -> str:
        """The file's name as it was given."""
        return self._capture.path

    @property
    def complete(self) -> bool:
        """Whether tracking was stopped in order: false when killed or still running."""
        return self._capture.complete

    @property
    def damage(self) -> list[str]:
        """What of the file could not be read, one line each; empty for a sound capture."""
        return self._capture.damage

    @property
    def metadata(self) -> dict[str, str]:
        """What is known of the process: command, python_version, host, exit_status and more."""
        return self._capture.metadata

    @property
    def peak_bytes(self) -> int:
        """Bytes live at the instant when the process had most: the sum over all sites."""
        return int(self._cached_summary["peak_bytes"])

    @property
    def live_bytes_at_end(self) -> int:
        """Bytes live when tracking stopped."""
        return int(self._cached_summary["live_bytes_at_end"])

    @property
    def allocated_bytes(self) -> int:
        """Bytes ever allocated."""
        return int(self._cached_summary["allocated_bytes"])

    @property
    def timeline(self) -> Mapping[str, list[Any]]:
        """The run over time: columns of equal length, one entry for each of at most 1,024 ticks.

        ``time_s`` is the end of the tick. ``live_bytes`` is the heap at its end, ``max_live_bytes``
        the highest within it; ``rss_bytes`` and the other columns are what the process had at its
        end. What was not sampled is None.

        Where a tick lasted, because the program allocated nothing, there are entries for what
        ``heapscope run`` sampled meanwhile: ``sampled_by`` is then ``sampler`` (else ``tracker``),
        and only RSS and PSS are known. ``max_rss_bytes`` is the highest RSS that either saw since
        the entry before.
        """
        return self._capture.timeline()

    @property
    def events(self) -> list[Event]:
        """The marks and spans of the program, by the time when they began; at most 8,192.

        `heapscope.mark` makes marks; `heapscope.measure` blocks and calls of functions decorated
        with ``profile`` are spans.
        """
        return [Event(**event) for event in self._capture.events()]

    @property
    def events_dropped(self) -> int:
        """How many marks and spans are not in `events`, between the first 4,096 and the latest."""
        return self._capture.events_dropped

    def sites(self, metric: str = "peak", limit: int | None = None) -> list[Site]:
        """List the sites, highest first.

        Parameters
        ----------
        metric : {"peak", "live", "allocated", "temporary", "count"}
            What they are ordered by.
        limit : int, optional
            How many at most.
        """
        rows = self._capture.table("site", metric, limit)["rows"]
        # Equal frames are one dict, and so become one StackFrame.
        frames = {id(frame): frame for row in rows for frame in row["stack"]}
        known = {key: StackFrame(**frame) for key, frame in frames.items()}
        return [_site(row, tuple(known[id(frame)] for frame in row["stack"])) for row in rows]

    def summary(self) -> dict[str, Any]:
        """Sum the run up; the keys are those of ``heapscope summary --json``."""
        return self._capture.summary()

    def table(
        self,
        group_by: str = "line",
        metric: str = "peak",
        limit: int | None = None,
        *,
        inclusive: bool = False,
    ) -> dict[str, Any]:
        """Group the sites; the keys are those of ``heapscope table --json``.

        Parameters
        ----------
        group_by : {"site", "line", "function", "file", "module", "domain", "thread"}
            What makes a row. Modules are guessed from paths.
        metric : {"peak", "live", "allocated", "temporary", "count"}
            What rows are ordered by.
        limit : int, optional
            How many rows at most; ``hidden`` in the result says what was left out.
        inclusive : bool
            Order by the ``inclusive_`` figures, which add what was allocated further in; the rows
            of domains and threads have none.
        """
        return self._capture.table(group_by, metric, limit, inclusive)

    def tree(
        self, metric: str = "peak", threshold: float = 0.01, *, invert: bool = False
    ) -> dict[str, Any]:
        """Merge the stacks into a call tree of nested dictionaries.

        Parameters
        ----------
        metric : {"peak", "live", "allocated", "temporary", "count"}
            Whose bytes.
        threshold : float
            Share of the whole (0 to 1) below which a call is counted in its parent's ``hidden``.
        invert : bool
            Begin with the innermost frames; children are callers.

        Returns
        -------
        dict
            ``function, file, line, bytes, blocks, self_bytes, share, children, hidden``. As deep as
            the stacks are: walk it without recursion.
        """
        return self._capture.tree(metric, threshold, invert)

    def diff(
        self, later: Capture, group_by: str = "line", metric: str = "peak", limit: int | None = None
    ) -> dict[str, Any]:
        """Compare this capture, A, with another, B: the JSON of ``heapscope diff --json``.

        Parameters
        ----------
        later : Capture
            B.
        group_by : {"stack", "line", "function", "file", "module", "domain", "thread"}
            What a row is. Code that moved is the same code: docs/diff.md.
        metric : {"peak", "live", "allocated", "temporary", "count"}
            What is compared.
        limit : int, optional
            How many rows at most; ``hidden`` sums up the others.
        """
        return self._capture.diff(later._capture, group_by, metric, limit)

    def between(self, from_s: float, to_s: float, limit: int | None = None) -> dict[str, Any]:
        """Tell what was allocated in a range of time and still live at its end, by site.

        Of what was ``allocated_bytes`` in it, ``freed_bytes`` were freed in it too, and
        ``live_bytes`` were left at its end.

        Parameters
        ----------
        from_s, to_s : float
            Seconds since tracking started. The range is widened to whole ticks; the result's
            ``from_s`` and ``to_s`` are what was answered.
        limit : int, optional
            How many rows at most.
        """
        return self._capture.range(from_s, to_s, limit)

    def at(self, time_s: float, limit: int | None = None) -> dict[str, Any]:
        """Tell what was live at a time, by site: `between` from the start to it."""
        return self._capture.range(0.0, time_s, limit)

    def report(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        base: Capture | None = None,
        sources: bool = True,
        force: bool = False,
    ) -> Report:
        """Make the HTML report; a notebook shows what this returns.

        Parameters
        ----------
        path : str or os.PathLike, optional
            A file to write it to: wholly, or not at all.
        base : Capture, optional
            An earlier run: the report is then of what changed since.
        sources : bool
            Whether source files are put into it, as far as they are found here.
        force : bool
            Replace `path` if it is there.

        Raises
        ------
        heapscope.HeapscopeError
            There is a file already, or it cannot be written.
        """
        from heapscope.report import Report

        made = Report(self._capture, None if base is None else base._capture, sources=sources)
        if path is not None:
            made.write(path, force=force)
        return made

    def leaks(self, limit: int | None = None, *, everything: bool = False) -> dict[str, Any]:
        """Find the lines that keep growing; the keys are those of ``heapscope leaks --json``.

        Parameters
        ----------
        limit : int, optional
            How many rows at most; suspects come first, ``hidden`` says what was left out.
        everything : bool
            Fold nothing: stacks of imports and of the interpreter alone are else left out, and
            counted in ``folded``.

        Returns
        -------
        dict
            ``rows`` has a line each: where, its heaviest stack, ``suspect`` and the ``reason``.
            Since ``since_s`` it grew by ``growth_bytes``, and by ``growth_bytes_per_s`` (a median
            slope). ``live_bytes_over_time`` is what was live at the ends of sixteen equal parts of
            the run, ``born_bytes_over_time`` what was born in them and is live at the end.
        """
        return self._capture.leaks(everything, limit)

    def line_profile(self) -> list[dict[str, Any]]:
        """Tell what profiled functions did line by line; empty where none was profiled.

        Returns
        -------
        list of dict
            ``function, file, first_line, calls, net_bytes, peak_bytes``; ``per_call`` (of the peak)
            and ``net_per_call`` with ``min, median, max`` of the calls that ended (None: none did;
            ``median_exact`` is false where the median is rounded, by at most 1/32); ``lines`` with
            ``line, occurrences, mem_usage_bytes, increment_bytes, peak_bytes, allocated_bytes,
            freed_bytes, allocations``. The increments of the lines sum to ``net_bytes``.
        """
        return self._capture.line_profile()

    def peaks(self, limit: int | None = None, *, fall: float = 0.1) -> list[dict[str, Any]]:
        """List the peaks of the heap over time, highest first.

        Parameters
        ----------
        limit : int, optional
            How many at most.
        fall : float
            Between two peaks the heap fell by at least this share (0 to 1) of the lower one.

        Returns
        -------
        list of dict
            ``at_s`` and ``bytes``: exact for the highest, else the end of its tick and the highest
            heap within. ``known_at_s`` and ``known_bytes``: the end of a tick beside it; `at` with
            this time tells what was live then, by site.
        """
        return self._capture.peaks(limit, fall)

    def rss(self, at: str | float | None = None) -> dict[str, Any]:
        """Tell what resident memory was made of; the keys are those of ``heapscope rss --json``.

        Parameters
        ----------
        at : {"peak"} or float, optional
            When the heap was at its peak, or seconds since tracking started; when RSS was highest
            if absent.

        Returns
        -------
        dict
            ``rows`` are ``{part, bytes, absent_bytes}`` in bytes; their sum and
            ``unexplained_bytes`` is ``rss_bytes``, which is None where RSS was never sampled.
        """
        return self._capture.rss(at)

    def rss_over_time(self) -> dict[str, Any]:
        """Tell the same for at most 1,024 instants: ``time_s``, ``rss_bytes`` and ``parts``."""
        return self._capture.rss_over_time()

    def export(
        self,
        format: str,  # noqa: A002
        path: str | os.PathLike[str] | None = None,
        *,
        metric: str = "peak",
        force: bool = False,
    ) -> str:
        """Write the capture in the format of another tool, as ``heapscope export`` does.

        Parameters
        ----------
        format : str
            ``pprof``, ``speedscope``, ``firefox``, … : see ``heapscope export --help``.
        path : str or os.PathLike, optional
            The file; by default it is named after the capture. Gzipped if it ends in ``.gz``.
        metric : {"peak", "live", "allocated", "temporary", "count"}
            What stacks weigh.
        force : bool
            Replace a file that is there.

        Returns
        -------
        str
            The file's name.

        Raises
        ------
        heapscope.HeapscopeError
            The format cannot hold that, or the file is there or cannot be written.
        """
        from heapscope import exporters

        return exporters.export(self._capture, format, path, metric=metric, force=force)

    @property
    def _cached_summary(self) -> dict[str, Any]:
        if self._summary is None:
            self._summary = self._capture.summary()
        return self._summary


def _site(row: Mapping[str, Any], stack: tuple[StackFrame, ...]) -> Site:
    return Site(
        stack=stack,
        domain=row["domain"],
        thread=row["thread"],
        peak_bytes=row["peak_bytes"],
        peak_blocks=row["peak_blocks"],
        live_bytes=row["live_bytes"],
        live_blocks=row["live_blocks"],
        allocated_bytes=row["allocated_bytes"],
        allocations=row["allocations"],
        temporary_bytes=row["temporary_bytes"],
        temporary_allocations=row["temporary_allocations"],
        largest_bytes=row["largest_bytes"],
    )

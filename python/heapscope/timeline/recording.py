"""Records a timeline: of a program that it starts, or of a process that is there."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import NamedTuple

from heapscope.timeline import profiles, spans
from heapscope.timeline.dat_reader import TimelineError
from heapscope.timeline.dat_writer import DatFile
from heapscope.timeline.sampler import TimelineSampler, clock_offset_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapscope.cli.supervisor import Supervisor

_ASLEEP_S = 0.05  # where the kernel cannot tell when a process ends


class Options(NamedTuple):
    """How to record.

    Attributes
    ----------
    interval : float
        Seconds between samples.
    metric : {"rss", "pss", "uss"}
        Which size.
    add_children : bool
        Samples are sums over the process and its descendants.
    each_child : bool
        Descendants have samples of their own.
    timeout : float or None
        Seconds after which sampling ends.
    output : str or None
        The .dat file; None for a name by the time of day.
    force : bool
        Replace it if it is there.
    """

    interval: float = 0.1
    metric: str = "rss"
    add_children: bool = False
    each_child: bool = False
    timeout: float | None = None
    output: str | None = None
    force: bool = False


class Recorded(NamedTuple):
    """What came of it.

    Attributes
    ----------
    path : str
        The .dat file.
    status : int or None
        The program's exit code, or -n when signal n ended it; None when it was not our program, or
        nobody kept its record.
    samples : int
        How many there are.
    peak : int
        The highest, in bytes.
    peak_after_s, duration_s : float
        Seconds from the first sample to it, and to the end.
    failure : str or None
        Why the file is not whole.
    """

    path: str
    status: int | None
    samples: int
    peak: int
    peak_after_s: float
    duration_s: float
    failure: str | None


def run(
    program: str,
    arguments: Sequence[str],
    shown: Sequence[str],
    options: Options,
    *,
    decorate: bool,
    additions: dict[str, str] | None = None,
    ended: Callable[[Supervisor, int | None], None] | None = None,
) -> Recorded:
    """Start a program, pass signals to it, and record it until it has ended.

    Parameters
    ----------
    program : str
        The executable's path.
    arguments : sequence of str
        Its arguments, its own name first.
    shown : sequence of str
        What the file and the pictures call it.
    options : Options
        How.
    decorate : bool
        Give Python programs a builtin `profile` that writes spans.
    additions : dict of str to str, optional
        What else its environment has.
    ended : callable, optional
        Called with the supervisor and the status once the program has ended.

    Raises
    ------
    TimelineError
        The file cannot be made, or the program cannot be started.
    """
    from heapscope.cli import supervisor as supervision

    path, descriptor = profiles.new_file(options.output, force=options.force)
    file = DatFile(descriptor)
    offset = clock_offset_ns()
    flags = "p" if decorate else ""
    told = f"{flags}:{offset}:{Path(path).absolute()}"
    file.command(list(shown))
    file.info("interval", options.interval)
    file.info("metric", options.metric)
    file.info("add_children", int(options.add_children))
    ends = None if options.timeout is None else time.monotonic_ns() + int(options.timeout * 1e9)
    samplers: list[TimelineSampler] = []

    def watch(process: int) -> TimelineSampler:
        file.info("process", process)
        sampler = TimelineSampler(
            process,
            file,
            options.interval,
            offset_ns=offset,
            metric=options.metric,
            add_children=options.add_children,
            each_child=options.each_child,
            ends_ns=ends,
        )
        sampler.look()  # it may be over in a millisecond
        samplers.append(sampler)
        return sampler

    try:
        supervisor = supervision.Supervisor(
            list(arguments[1:]),
            {**(additions or {}), spans.VARIABLE: told},
            executable=(program, arguments[0]),
            sampler=watch,
        )
    except (OSError, ValueError) as error:
        file.close()
        Path(path).unlink()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise TimelineError(f"cannot start {program!r}: {reason}") from None
    status = supervisor.wait()
    sampler = samplers[0]
    over = ends is not None and time.monotonic_ns() >= ends
    sampler.finish(None if over else supervisor.max_rss_bytes)
    if status is not None:
        file.info("exit_status", status)
    recorded = _finished(path, status, sampler, file, offset)
    if ended is not None:
        ended(supervisor, status)
    return recorded


def attach(process: int, options: Options, done: Callable[[Recorded], object]) -> None:
    """Record a process that runs, until it ends, the time is over, or SIGINT comes.

    Parameters
    ----------
    process : int
        Its id.
    options : Options
        How.
    done : callable
        Takes what came of it, also after an interrupt.

    Raises
    ------
    TimelineError
        There is no such process, it may not be looked at, or the file cannot be made.
    KeyboardInterrupt
        The file is whole nevertheless.
    """
    _check(process, options.metric)
    path, descriptor = profiles.new_file(options.output, force=options.force)
    file = DatFile(descriptor)
    offset = clock_offset_ns()
    file.command(_command_of(process))
    file.info("interval", options.interval)
    file.info("metric", options.metric)
    file.info("add_children", int(options.add_children))
    file.info("process", process)
    file.info("attached", 1)
    sampler = TimelineSampler(
        process,
        file,
        options.interval,
        offset_ns=offset,
        metric=options.metric,
        add_children=options.add_children,
        each_child=options.each_child,
        from_start=False,
        ignore=os.getpid(),
        ends_ns=None
        if options.timeout is None
        else time.monotonic_ns() + int(options.timeout * 1e9),
    )
    try:
        follow(sampler, process)
    finally:
        sampler.finish()
        done(_finished(path, None, sampler, file, offset))


def follow(sampler: TimelineSampler, process: int) -> None:
    """Let a sampler look until there is nothing more to see, woken when the process ends."""
    try:
        ended = os.pidfd_open(process)
    except (AttributeError, OSError):
        ended = -1
    try:
        waiting = select.poll()
        if ended >= 0:
            waiting.register(ended, select.POLLIN)
        while sampler.running:
            sampler.look()
            pause = sampler.wait_s() if sampler.running else 0.0
            if waiting.poll(max(pause * 1000, 1) if ended >= 0 else _ASLEEP_S * 1000):
                break
    finally:
        if ended >= 0:
            os.close(ended)


def _check(process: int, metric: str) -> None:
    from heapscope.timeline.process_sizes import ProcessGoneError, ProcessSizes

    if process <= 0 or not Path(f"/proc/{process}").is_dir():
        raise TimelineError(f"no process {process}: it has ended, or never was")
    try:
        sizes = ProcessSizes(process, metric)
        try:
            sizes.now()
        finally:
            sizes.close()
    except ProcessGoneError:
        raise TimelineError(
            f"process {process} cannot be looked at: it is ending, or another user's"
        ) from None


def _command_of(process: int) -> list[str]:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        words = []
    return [os.fsdecode(word) for word in words] or [str(process)]


def _finished(
    path: str, status: int | None, sampler: TimelineSampler, file: DatFile, offset: int
) -> Recorded:
    end = (time.monotonic_ns() + offset) / 1e9
    file.info("ended", f"{end:.4f}")
    file.close()
    first = end if sampler.first_at is None else sampler.first_at
    return Recorded(
        path,
        status,
        sampler.samples,
        file.highest,
        max(file.highest_at - first, 0.0),
        end - first,
        file.failure,
    )

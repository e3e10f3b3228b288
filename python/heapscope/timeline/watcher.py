"""A process that samples another one for `heapscope.memory_usage`.

It is a process because a C call that holds the GIL would blind a thread. It writes a byte when it
looks, samples until its input has a byte or ends, and writes what it saw. Run as
``python -I -S -c CODE``: it loads the standard library's core and the sampler, nothing of a site.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

from heapscope.timeline.sampler import TimelineSampler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CODE = """
import sys
sys.path.append(sys.argv[1])
from heapscope.timeline import watcher
watcher.main()
"""
_MOST_SAMPLES = 1 << 20


class Samples:
    """A Recorder that keeps what it is told.

    Attributes
    ----------
    points : list of (float, float)
        Seconds since the epoch and bytes: samples.
    highs : list of (float, float)
        Each highest of an interval that no sample shows.
    children : list of (float, int, float)
        Time, process id and bytes.
    """

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []
        self.highs: list[tuple[float, float]] = []
        self.children: list[tuple[float, int, float]] = []

    def sample(self, size: int, at: float) -> None:
        """Keep what the process had at a moment."""
        self.points.append((at, size))
        if len(self.points) > _MOST_SAMPLES:  # neighbours become their higher
            self.points = [
                max(self.points[index : index + 2], key=lambda point: point[1])
                for index in range(0, len(self.points), 2)
            ]

    def high(self, size: int, since: float, until: float, at: float) -> None:  # noqa: ARG002
        """Keep the highest of an interval."""
        if len(self.highs) < _MOST_SAMPLES:
            self.highs.append((at, size))

    def child(self, process: int, size: int, at: float) -> None:
        """Keep what a descendant had at a moment."""
        if len(self.children) < _MOST_SAMPLES:
            self.children.append((at, process, size))

    def kin(self, process: int) -> None:
        """That there is a descendant is no sample."""

    def gap(self, since: float, until: float) -> None:
        """Nobody looked: there is no sample to keep."""


class Watcher:
    """A watching process, from `__init__` until `finish`.

    Parameters
    ----------
    **options
        The keyword arguments of `TimelineSampler`, and ``process`` and ``interval``.

    Raises
    ------
    OSError
        It cannot be started.
    """

    def __init__(self, **options: Any) -> None:
        home = str(Path(__file__).resolve().parents[2])
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CODE, home, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a key of the terminal must not end it first
        )
        assert self._process.stdout is not None
        if self._process.stdout.read(1) != b"!":
            self.finish()
            raise OSError("the watching process did not start")

    def finish(self) -> Samples:
        """End it, and return what it saw."""
        samples = Samples()
        with self._process as process:
            try:
                told, _ = process.communicate(b".")
            except OSError:
                told = b""
        if told:
            document = json.loads(told)
            samples.points = [(at, size) for at, size in document["points"]]
            samples.highs = [(at, size) for at, size in document["highs"]]
            samples.children = [(at, child, size) for at, child, size in document["children"]]
        return samples


def main() -> None:
    """Watch, as the command line says."""
    options = json.loads(sys.argv[2])
    samples = Samples()
    sampler = TimelineSampler(
        options.pop("process"),
        samples,
        options.pop("interval"),
        **options,
        from_start=False,
        ignore=os.getpid(),
    )
    sampler.sample_now()
    os.write(1, b"!")
    while sampler.running and not select.select([0], [], [], sampler.wait_s())[0]:
        sampler.look()
    sampler.sample_now()
    sampler.finish()
    sys.stdout.write(json.dumps(vars(samples)))

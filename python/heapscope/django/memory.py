"""What a process remembers of its requests, whichever of its handlers answered them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from heapscope import profiling
from heapscope.django.census import Censuses
from heapscope.django.lines import ProjectLines
from heapscope.django.project import Project
from heapscope.django.records import Records

if TYPE_CHECKING:
    from heapscope.django.options import Options
    from heapscope.django.watch import Watch

_lock = threading.Lock()
_memories: dict[Options, Memory] = {}


class Memory:
    """The requests that ran and those that run.

    Attributes
    ----------
    project : Project
        Whose lines and files are told.
    records : Records
        Those that are over.
    censuses : Censuses
        The objects by type, now and then.
    lines : ProjectLines or None
        None where lines are not counted.
    """

    def __init__(self, options: Options) -> None:
        self.project = Project()
        self.records = Records(options.requests)
        self.censuses = Censuses(options)
        self.lines: ProjectLines | None = None
        if options.lines and not profiling.collecting:  # else `heapscope lines` counts them
            self.lines = ProjectLines(self.project, options.lines_of)
        self._lock = threading.Lock()
        self._running: set[Watch] = set()

    def began(self, watch: Watch) -> None:
        """Note one more that runs, for all of them."""
        with self._lock:
            self._running.add(watch)
            together = len(self._running)
            for each in self._running:
                each.record.together = max(each.record.together, together)

    def ended(self, watch: Watch) -> None:
        """Note one less."""
        with self._lock:
            self._running.discard(watch)


def memory_of(options: Options) -> Memory:
    """Return the process's one for these options: a handler may be made more than once."""
    with _lock:
        if options not in _memories:
            _memories[options] = Memory(options)
        return _memories[options]

"""Which traces stay in a snapshot: by file and line, or by domain."""

from __future__ import annotations

import fnmatch
import os

from heapscope.traces.frames import RawFrames

# 0 is CPython's own allocators, other numbers are chosen by extensions; heapscope's are words.
Domain = int | str
# (domain, size in bytes, frames with the most recent first, frames of the whole stack)
RawTrace = tuple[Domain, int, RawFrames, int]


class BaseFilter:
    """What filters share.

    Attributes
    ----------
    inclusive : bool
        Whether what matches is kept (and the rest is not), or is left out.
    """

    def __init__(self, inclusive: bool) -> None:
        self.inclusive = inclusive

    def _match(self, trace: RawTrace) -> bool:
        raise NotImplementedError


class Filter(BaseFilter):
    """Traces by the file and line of their frames.

    Parameters
    ----------
    inclusive : bool
        Keep what matches, or leave it out.
    filename_pattern : str
        As of `fnmatch`; ``.pyc`` means ``.py``.
    lineno : int, optional
        Only this line.
    all_frames : bool
        Look at every frame of the trace instead of the most recent one. Of no use where the
        traceback limit is 1.
    domain : int or str, optional
        Only of this domain.
    """

    def __init__(
        self,
        inclusive: bool,
        filename_pattern: str,
        lineno: int | None = None,
        all_frames: bool = False,
        domain: Domain | None = None,
    ) -> None:
        super().__init__(inclusive)
        self._filename_pattern = _plain(filename_pattern)
        self.lineno = lineno
        self.all_frames = all_frames
        self.domain = domain

    @property
    def filename_pattern(self) -> str:
        """The pattern, as it is compared."""
        return self._filename_pattern

    def _is_frame(self, filename: str, lineno: int) -> bool:
        if self.lineno is not None and lineno != self.lineno:
            return False
        return fnmatch.fnmatch(_plain(filename), self._filename_pattern)

    def _match_frame(self, filename: str, lineno: int) -> bool:
        return self._is_frame(filename, lineno) == bool(self.inclusive)

    def _match_traceback(self, frames: RawFrames) -> bool:
        looked_at = frames if self.all_frames else frames[:1]
        return any(self._is_frame(*frame) for frame in looked_at) == bool(self.inclusive)

    def _match(self, trace: RawTrace) -> bool:
        domain, _, frames, _ = trace
        matches = self._match_traceback(frames)
        if self.domain is None:
            return matches
        if self.inclusive:
            return matches and domain == self.domain
        return matches or domain != self.domain


class DomainFilter(BaseFilter):
    """Traces by the domain that reported them.

    Parameters
    ----------
    inclusive : bool
        Keep what matches, or leave it out.
    domain : int or str
        0 for CPython's own allocators, the number that an extension chose, or ``"malloc"`` and
        ``"mmap"`` for native blocks.
    """

    def __init__(self, inclusive: bool, domain: Domain) -> None:
        super().__init__(inclusive)
        self._domain = domain

    @property
    def domain(self) -> Domain:
        """The domain."""
        return self._domain

    def _match(self, trace: RawTrace) -> bool:
        return (trace[0] == self._domain) == bool(self.inclusive)


def _plain(filename: str) -> str:
    filename = os.path.normcase(filename)
    return filename[:-1] if filename.endswith(".pyc") else filename

"""Sessions whose callbacks name them, with a finaliser."""

from __future__ import annotations

import weakref

from snapshots import LEAKS, take


class Session:
    def __init__(self) -> None:
        this = self if LEAKS else weakref.proxy(self)
        self.title = "session"
        self.describe = lambda: this.title

    def __del__(self) -> None:
        pass


sessions = [Session() for _ in range(200)]
take()

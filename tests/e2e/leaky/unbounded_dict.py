"""A dict of a module that remembers everything."""

from __future__ import annotations

from snapshots import LEAKS, take

SESSIONS: dict[int, bytes] = {}
for number in range(20_000):
    SESSIONS[number] = b"%032d" % number
    if not LEAKS and len(SESSIONS) > 100:
        del SESSIONS[min(SESSIONS)]
SESSIONS = dict(SESSIONS)
take()

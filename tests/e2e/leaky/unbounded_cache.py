"""A functools cache without a bound, of keys that do not come again."""

from __future__ import annotations

import functools

from snapshots import LEAKS, take


@functools.lru_cache(maxsize=None if LEAKS else 128)
def render(number: int) -> bytes:
    return b"%0300d" % number


for page in range(5_000):
    render(page)
take()

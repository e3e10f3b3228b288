"""Answer a few hundred requests and remember each of them, which is a leak.

    python examples/remembered.py [--bounded]

With --bounded only the last fifty are remembered. The cache of pages is full soon, and what an
answer is made from is freed with it: neither is a leak.
"""

from __future__ import annotations

import collections
import functools
import sys

REQUESTS = 500
PAGES = 80


@functools.lru_cache(maxsize=50)
def page(number: int) -> str:
    """Return the text of a page."""
    return f"page {number}, " * 200


def answer(request: int) -> str:
    """Return a few words from a page, chosen with much ado."""
    words = [f"{word}/{request}" for word in page(request % PAGES).split(",")]
    words += [f"{number}/{request}" for number in range(2_000)]
    return " ".join(words[:5])


def serve(history: collections.deque[str] | list[str]) -> None:
    """Answer all requests."""
    for request in range(REQUESTS):
        history.append(f"request {request}: {answer(request)}")


history: collections.deque[str] | list[str] = []
if "--bounded" in sys.argv:
    history = collections.deque(maxlen=50)
serve(history)
print(f"{REQUESTS:,} requests, {len(history):,} remembered")

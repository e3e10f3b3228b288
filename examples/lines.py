"""Prefixes of words, three ways: what do the lines of `compare` cost?"""

from __future__ import annotations

import builtins
from collections import Counter

profile = getattr(builtins, "profile", lambda function: function)  # plain Python has none


def words():
    for number in range(40_000):
        yield f"word{number * 7919 % 100_003:06}"


@profile
def compare():
    kept = list(words())
    prefixes = Counter(word[:end] for word in kept for end in range(1, len(word)))
    longest = max(sorted(kept, reverse=True), key=len)
    del kept
    return prefixes.most_common(3), longest


if __name__ == "__main__":
    compare()

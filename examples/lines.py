"""A list of words that is there for a while: what do the lines of `compare` cost?"""

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
    counts = Counter(word[:6] for word in kept)
    last = max(sorted(kept), key=len)
    del kept
    return counts.most_common(1), last


if __name__ == "__main__":
    compare()

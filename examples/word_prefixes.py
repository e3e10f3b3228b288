"""Counts how words begin: a list of words held while it is read, and a Counter of their prefixes.

heapscope run -o words.hscope examples/word_prefixes.py [WORDS]
heapscope summary words.hscope
"""

from __future__ import annotations

import collections
import itertools
import sys

SYLLABLES = ("ka", "lo", "mi", "ne", "po", "ru", "sa", "ti", "va", "zu", "bre", "dro", "fli", "gra")


def make_words(count: int) -> list[str]:
    """Return words of four syllables, always the same ones."""
    parts = itertools.product(SYLLABLES, repeat=4)
    return ["".join(word) for word in itertools.islice(itertools.cycle(parts), count)]


def count_prefixes(words: list[str]) -> collections.Counter[str]:
    """Count every beginning of every word."""
    prefixes: collections.Counter[str] = collections.Counter()
    for word in words:
        for end in range(1, len(word) + 1):
            prefixes[word[:end]] += 1
    return prefixes


def main() -> None:
    """Print the most frequent beginnings of two letters or more."""
    words = make_words(int(sys.argv[1]) if len(sys.argv) > 1 else 150_000)
    prefixes = count_prefixes(words)
    longer = {prefix: count for prefix, count in prefixes.items() if len(prefix) > 1}
    for prefix, count in sorted(longer.items(), key=lambda item: (-item[1], item[0]))[:5]:
        print(f"{prefix:4} {count:8,}")


if __name__ == "__main__":
    main()

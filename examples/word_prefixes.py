"""Counts how words begin: a list of words, and a Counter of their prefixes that is then ranked.

heapscope run -o words.hscope examples/word_prefixes.py [WORDS]
heapscope summary words.hscope
heapscope peak examples/word_prefixes.py
"""

from __future__ import annotations

import collections
import itertools
import sys
from collections.abc import Iterable

SYLLABLES = ("ka", "lo", "mi", "ne", "po", "ru", "sa", "ti", "va", "zu", "bre", "dro", "fli", "gra")


def make_words(count: int) -> list[str]:
    """Return words of four syllables, always the same ones."""
    endless = (each for _ in itertools.count() for each in itertools.product(SYLLABLES, repeat=4))
    words: Iterable[str] = map("".join, itertools.islice(endless, count))
    words = list(words)
    return words


def count_prefixes(words: list[str]) -> collections.Counter[str]:
    """Count every beginning of every word."""
    prefixes: collections.Counter[str] = collections.Counter()
    for word in words:
        for end in range(1, len(word) + 1):
            prefixes[word[:end]] += 1
    return prefixes


def frequency(entry: tuple[str, int]) -> tuple[int, str]:
    """Order prefixes from frequent to rare."""
    prefix, count = entry
    return -count, prefix


def rank(prefixes: collections.Counter[str]) -> list[tuple[str, int]]:
    """Sort prefixes by frequency."""
    return sorted(prefixes.items(), key=frequency)


def main() -> None:
    """Print the most frequent beginnings."""
    words = make_words(int(sys.argv[1]) if len(sys.argv) > 1 else 150_000)
    prefixes = count_prefixes(words)
    for prefix, count in rank(prefixes)[:5]:
        print(f"{prefix:4} {count:8,}")


if __name__ == "__main__":
    main()

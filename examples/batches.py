"""Works in batches, and keeps a little of each: a program to look at over time.

heapscope timeline run examples/batches.py
heapscope timeline plot --slope
"""

import builtins
import time

import heapscope

# A builtin under `heapscope timeline run`; under plain Python nothing.
profile = getattr(builtins, "profile", lambda function: function)


@profile
def read(number):
    """A batch as it comes: 8 MB of text."""
    return [str(number * index) * 4 for index in range(100_000)]


@profile
def transform(rows):
    """Twice as much for a moment."""
    pairs = [(row, row[::-1]) for row in rows]
    return {left for left, right in pairs if left < right}


@profile
def batch(number):
    return list(transform(read(number)))[:30_000]


kept = []
for number in range(1, 7):
    kept.append(batch(number))
    time.sleep(0.05)
    if number == 3:
        heapscope.mark("half of it")
print(sum(map(len, kept)), "rows")

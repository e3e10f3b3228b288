"""The three programs that line profilers are timed with; each prints its cost on stderr.

Usage: ``workload.py NAME SIZE``. The function is marked with the builtin ``profile`` where there is
one. The last line on stderr is ``COST seconds units``: processor time inside of the calls, and how
much was done, so that a dear profiler can be given less to do.
"""

from __future__ import annotations

import builtins
import sys
import time

profile = getattr(builtins, "profile", lambda function: function)


@profile
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


@profile
def tight_loop(n):
    total = 0
    for i in range(n):
        total += i
    return total


@profile
def numpy_temporaries(n):
    import numpy

    a = numpy.ones(1_000_000)
    for _ in range(n):
        b = a * 2 + a
        b -= a
    return b


def calls_of_fib(n):
    before, last = 1, 1
    for _ in range(n - 1):
        before, last = last, before + last + 1
    return last


def main(name, size):
    if name == "numpy_temporaries":
        import numpy  # noqa: F401 - not part of the cost
    begun = time.process_time()
    globals()[name](size)
    ended = time.process_time()
    units = calls_of_fib(size) if name == "fib" else size
    sys.stderr.write(f"COST {ended - begun} {units}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

# mypy: ignore-errors
"""Sixteen threads put blocks where others lie, which frees those; prints the bytes left."""

import sys
import threading

passed = [None] * 64


def pass_on(thread):
    for number in range(3_000):
        passed[(number * 7 + thread) % 64] = bytearray(number + 1)  # here: passed


threads = [threading.Thread(target=pass_on, args=(thread,)) for thread in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(len(block) + 1 + sys.getsizeof(bytearray()) for block in passed))

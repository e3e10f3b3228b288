# mypy: ignore-errors
"""Sixteen threads of C allocate and free each other's blocks; argument: the library of blocks.c."""

import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
numbers = (ctypes.c_uint64 * 4)()
blocks = (ctypes.c_void_p * 1000)()
library.allocate(ctypes.CDLL(None).malloc, 321, 1000, blocks)  # here: freed_elsewhere
assert library.release_in_thread(1000, blocks) == 0

assert library.exchange_between_threads(16, 20_000, numbers) == 0
print(list(numbers))

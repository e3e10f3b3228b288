# mypy: ignore-errors
"""Blocks of known sizes, each kind on lines of its own; prints what only the program can know."""

import ctypes
import gc
import mmap
import sys
import threading

gc.disable()
told = {}

kept = bytearray(1_000_000)  # here: kept
bytearray(2_000_000)  # here: dropped
freed = bytearray(3_000_000)  # here: freed
odd = [None] * 200
for index in range(200):
    odd[index] = bytearray(98_764)  # here: odd_size
del freed


def build():
    grown = []
    twin = [None] * 5_000
    for number in range(5_000):
        twin[number] = object()  # here: loop
        grown.append(number)  # here: growth
    return grown, twin


grown, twin = build()
told["growth"] = sys.getsizeof(grown) - sys.getsizeof([])

libc = ctypes.CDLL(None)
for function in (libc.malloc, libc.calloc, libc.realloc):
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_size_t] * 2
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_size_t]
blocks = [0] * 10_000
for index in range(10_000):
    blocks[index] = libc.malloc(1)  # here: one_byte
block = libc.malloc(100)  # here: small
block = libc.realloc(block, 500_000)  # here: reallocated
zeros = libc.calloc(1_000, 333)  # here: calloc
gone = libc.malloc(777_777)  # here: gone
libc.free(gone)

mapped = mmap.mmap(-1, 5_000_001)  # here: mapped
unmapped = mmap.mmap(-1, 6_000_001)  # here: unmapped
unmapped.close()
reserved = mmap.mmap(  # here: reserved
    -1, 3 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0
)
resized = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # here: before_resize
resized.resize(8_000_000)  # here: resized

results = [None] * 60
# Made before: CPython 3.14 keeps the ints of a sum in a free list.
sizes = [10_000 + index for index in range(60)]
barrier = threading.Barrier(60)


def work(index):
    results[index] = bytearray(sizes[index])  # here: in_thread
    barrier.wait()


threads = [threading.Thread(target=work, args=(index,)) for index in range(60)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

told["bytearray"] = sys.getsizeof(bytearray(0))
told["object"] = sys.getsizeof(object())
print(told)

# mypy: ignore-errors
"""Forks while threads allocate; the children allocate, fork again, and end in different ways."""

import ctypes
import os
import sys
import threading

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
stop = threading.Event()


def busy():
    while not stop.is_set():
        [object() for _ in range(50)]
        bytearray(5_000)


def be_a_child(number):
    held = [bytearray(3_000_000) for _ in range(3)]  # here: in_child
    exec("def f(n): return [f(n - 1)] if n else [object()]", names := {})
    for _ in range(300):
        held.append(names["f"](20))
        libc.free(ctypes.c_void_p(libc.malloc(100_000)))
    if number == 1:
        inner = os.fork()
        if inner == 0:
            os._exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) == 3
    if number == 2:
        sys.exit(12)
    os._exit(10 + number)


before = libc.malloc(1_000_000)  # here: before
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
codes = []
for number in range(4):
    child = os.fork()
    if child == 0:
        stop.set()
        be_a_child(number)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
for thread in threads:
    thread.join()
after = libc.malloc(2_000_000)  # here: after
print(codes)

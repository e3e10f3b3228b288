# mypy: ignore-errors
"""Ends in one of many ways, with something in its hands."""

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import threading

faulthandler.disable()
kept = bytearray(1_234_567)  # here: kept


def allocate_for_ever():
    held = []
    while True:
        held.append([object(), bytearray(700), {}])
        if len(held) > 500:
            held.clear()


def recurse(depth):
    return [recurse(depth + 1)]


def raise_from(depth):
    if depth == 0:
        raise ValueError("deep")
    raise_from(depth - 1)


def start_daemons():
    for _ in range(8):
        threading.Thread(target=allocate_for_ever, daemon=True).start()


way = sys.argv[1]
if way == "returns":
    pass
elif way == "_exit":
    os._exit(7)
elif way == "SIGSEGV":
    ctypes.string_at(1)
elif way == "abort":
    os.abort()
elif way == "SIGKILL":
    os.kill(os.getpid(), signal.SIGKILL)
elif way == "SIGTERM":
    os.kill(os.getpid(), signal.SIGTERM)
elif way == "sys.exit":
    sys.exit(7)
elif way == "daemons":
    start_daemons()
elif way == "daemons and _exit":
    start_daemons()
    os._exit(7)
elif way == "recursion":
    with contextlib.suppress(RecursionError):
        recurse(0)
elif way == "exception":
    sys.setrecursionlimit(3_000)
    try:
        raise_from(1_000)
    except ValueError as error:
        held = error
elif way == "exec":
    os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(7)"])
else:
    raise SystemExit(f"no such way: {way}")

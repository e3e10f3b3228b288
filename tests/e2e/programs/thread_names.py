# mypy: ignore-errors
"""Threads with names of many kinds; each keeps one block whose size tells which it was.

Arguments: which, and the library of blocks.c. Prints {size: name}.
"""

import _thread
import ctypes
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

kept = []
told = {}


def keep(name):
    size = 1_000_000 + len(told)
    told[size] = name
    kept.append(bytes(size))  # here: kept


def run(thread):
    """Start and join a thread, and wait until the kernel does not know it any more."""
    thread.start()
    thread.join()
    while len(os.listdir("/proc/self/task")) > 1:
        time.sleep(0.001)


def given():
    run(threading.Thread(target=keep, args=("given",), name="given"))


def default():
    run(threading.Thread(target=keep, args=("Thread-1 (keep)",)))


def long_and_wide():
    # Of 360 bytes the first 112 have room, and of a character all bytes or none.
    name = "é€😀" * 40
    run(threading.Thread(target=keep, args=("é€😀" * 12 + "é",), name=name))


def changed():
    def work():
        keep("changed")
        threading.current_thread().name = "changed"

    run(threading.Thread(target=work, name="first"))


class Own(threading.Thread):
    """Its attributes are a dictionary, and its name is a property that must not be asked."""

    def __init__(self):
        self.before = object()
        super().__init__(name="own")
        vars(self)["after"] = vars(self)

    @property
    def name(self):
        keep("asked")
        return "asked"

    @name.setter
    def name(self, value):
        self._name = value

    def run(self):
        keep("own")


def of_a_subclass():
    run(Own())


def without_thread_object():
    done = _thread.allocate_lock()
    done.acquire()
    _thread.start_new_thread(lambda: (keep("unnamed thread 1"), done.release()), ())
    with done:
        pass


def together():
    barrier = threading.Barrier(16)

    def one(name):
        barrier.wait()
        keep(name)
        barrier.wait()

    names = [f"together-{number}" for number in range(16)]
    threads = [threading.Thread(target=one, args=(name,), name=name) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def pool():
    barrier = threading.Barrier(5)

    def one(_):
        barrier.wait()
        keep(threading.current_thread().name)

    with ThreadPoolExecutor(5, thread_name_prefix="pool") as executor:
        list(executor.map(one, range(5)))


def daemon():
    done = threading.Event()

    def work():
        keep("daemon")
        done.set()
        threading.Event().wait()

    threading.Thread(target=work, name="daemon", daemon=True).start()
    done.wait()


def killed():
    done = threading.Event()

    def work():
        threading.current_thread().name = "killed"
        keep("killed")
        done.set()
        threading.Event().wait()

    threading.Thread(target=work).start()
    done.wait()
    print(told, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def in_turn():
    for number in range(60):
        name = f"turn-{number}"
        run(threading.Thread(target=keep, args=("turn-0 … turn-59",), name=name))


def two_in_turn():
    for name in ("one", "two"):
        run(threading.Thread(target=keep, args=("one, then two",), name=name))


def native_that_ended():
    allocate_native("allocate_in_named_thread", "ended")


def native_that_stays():
    allocate_native("allocate_in_thread_that_stays", "stays")


def allocate_native(function, name):
    function = getattr(ctypes.CDLL(sys.argv[2]), function)
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    size = 1_000_000 + len(told)
    told[size] = name
    kept.append(function(name.encode(), size))


if __name__ == "__main__":
    keep("MainThread")
    globals()[sys.argv[1]]()
    print(told)

# mypy: ignore-errors
"""Prints what a program can see of the process it is in; the argument says what of it."""

import ctypes
import errno
import gc
import os
import sys
import threading
import weakref


def threads():
    return len(os.listdir("/proc/self/task")), threading.active_count()


def descriptors():
    held = [bytearray(100_000) for _ in range(300)]
    return sorted(os.listdir("/proc/self/fd")), len(held)


def closed_descriptors():
    """Closes whatever is open, opens a file in its place, and makes the capture grow."""
    os.closerange(3, 1_000)
    with open("mine.txt", "w+b") as file:
        number = file.fileno()
        file.write(b"mine")
        file.flush()
        for index in range(5_000):
            exec(f"def f{index}(): return [{index}]", {})
            exec(f"[x for x in range({index % 7})]")
        size = os.fstat(number).st_size
        file.seek(0)
        return number, size, file.read()


def fork():
    child = os.fork()
    if child == 0:
        os._exit(len([bytearray(1_000) for _ in range(10)]))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def unshare():
    new_user = 0x10000000
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.unshare(new_user), errno.errorcode.get(ctypes.get_errno())


def daemonise():
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        os.dup2(writer, 100)
        os.closerange(3, 100)
        os.chdir("/")
        held = [bytearray(10_000) for _ in range(500)]
        exec("def later(): return [object() for _ in range(1000)]", names := {})
        held.append(names["later"]())
        os.write(100, b"%d" % len(held))
        os._exit(0)
    os.close(writer)
    os.wait()
    return os.read(reader, 100)


class Thing:
    pass


def weak_references():
    dead = []
    for index in range(200):
        names = {}
        exec(f"def f(): return [{index}, object()]", names)
        names["f"]()
        thing = Thing()
        dead.append(weakref.ref(names["f"].__code__))
        dead.append(weakref.ref(names["f"]))
        dead.append(weakref.ref(thing))
        del thing
    del names
    gc.collect()
    return sum(reference() is None for reference in dead)


def reference_counts():
    names = {}
    exec("def f(n): return [f(n - 1)] if n else [object()]", names)
    function = names["f"]
    held = [function(5) for _ in range(100)]
    code = function.__code__
    return [
        sys.getrefcount(thing)
        for thing in (function, code, code.co_consts, names, held, Thing, reference_counts.__code__)
    ]


def resident():
    """Memory of this process alone: not the pages of files, of which a growing capture is one."""
    with open("/proc/self/statm") as file:
        _, pages, of_files, *_ = file.read().split()
        return (int(pages) - int(of_files)) * os.sysconf("SC_PAGESIZE")


def execs():
    def one(index):
        exec("def f(): return [object() for _ in range(5)]\nf()", {})

    for index in range(2_000):
        one(index)
    before = resident()
    for index in range(20_000):
        one(index)
    return resident() - before


def sequential_threads():
    def one(count):
        for _ in range(count):
            thread = threading.Thread(target=bytearray, args=(1_000,))
            thread.start()
            thread.join()

    one(500)
    before = resident()
    one(10_000)
    return resident() - before


def error_numbers():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    seen = []
    for size in (1, 1_000, 1_000_000, 1 << 62):
        ctypes.set_errno(77)
        block = libc.malloc(size)
        seen.append((block is None, ctypes.get_errno()))
    ctypes.set_errno(78)
    [object() for _ in range(10_000)]
    seen.append(ctypes.get_errno())
    return seen


def tracing():
    events = []

    def trace(frame, event, argument):
        if frame.f_code.co_filename == __file__:
            events.append((event, frame.f_lineno, frame.f_code.co_name))
        return trace

    def traced():
        return [Thing() for _ in range(3)]

    sys.settrace(trace)
    traced()
    still = sys.gettrace() is trace
    sys.settrace(None)
    sys.setprofile(trace)
    traced()
    still &= sys.getprofile() is trace
    sys.setprofile(None)
    return still, events


def monitoring():
    if not hasattr(sys, "monitoring"):
        return None
    tools = [sys.monitoring.get_tool(number) for number in range(6)]
    events = []
    sys.monitoring.use_tool_id(1, "mine")
    start = sys.monitoring.events.PY_START
    sys.monitoring.register_callback(1, start, lambda code, offset: events.append(code.co_name))
    sys.monitoring.set_events(1, start)
    Thing()
    weak_references()
    sys.monitoring.set_events(1, 0)
    return tools, len(events)


def out_of_memory():
    """A program that handles its MemoryErrors, at sizes no machine has and at its own limit."""
    import resource

    caught = []
    for make in (lambda: bytearray(1 << 62), lambda: [None] * (1 << 59), lambda: b"x" * (1 << 61)):
        try:
            make()
        except MemoryError as error:
            caught.append(repr(error))
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGESIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), hard))
    held = []
    try:
        while True:
            held.append(bytearray(4 << 20))
    except MemoryError:
        caught.append("limit")
    count = len(held)
    held.clear()
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    held.append(bytearray(1 << 20))
    return caught, count > 1


if __name__ == "__main__":
    print(globals()[sys.argv[1]]())

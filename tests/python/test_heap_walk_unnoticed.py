"""Nothing of the program changes while its heap is walked, and nothing of it runs."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import sysconfig
import threading
import weakref
from collections import OrderedDict, defaultdict

import pytest
import raw_heap

import heapscope
from heapscope import _tracker

ran: list[str] = []


class Meddler:
    """Says that it was asked, whatever it is asked."""

    def __sizeof__(self):
        ran.append("__sizeof__")
        raise RuntimeError("no")

    def __getattr__(self, name):
        ran.append(name)
        raise RuntimeError("no")

    @property  # type: ignore[misc]
    def __class__(self):
        ran.append("__class__")
        return int

    def __len__(self):
        ran.append("__len__")
        return -1

    def __hash__(self):
        ran.append("__hash__")
        return 7

    def __eq__(self, other):
        ran.append("__eq__")
        raise RuntimeError("no")

    def __del__(self):
        ran.append("__del__")


class LyingList(list):
    def __sizeof__(self):
        ran.append("__sizeof__")
        return -5

    def __iter__(self):
        ran.append("__iter__")
        return iter(())


class Plain:
    def __init__(self):
        self.value = object()


def walk():
    return raw_heap.from_walk(_tracker.heap_walk())


def test_no_code_of_the_program_runs():
    meddler, liar = Meddler(), LyingList([1, 2])
    held = {"meddler": meddler, "liar": liar}
    del ran[:]
    walked = _tracker.heap_walk()
    assert ran == []
    heap = raw_heap.from_walk(walked)
    assert heap.of(meddler).flags & raw_heap.SIZE_ESTIMATED
    assert heap.of(liar).rest == [id(1), id(2)]
    assert heap.of(held).rest[1::2] == [id(meddler), id(liar)]
    del ran[:]


def test_reference_counts_are_what_they_were():
    gc.collect()
    values = gc.get_objects()
    before = [sys.getrefcount(value) for value in values]
    walked = _tracker.heap_walk()
    after = [sys.getrefcount(value) for value in values]
    walked.release()
    moved = [
        (type(value).__name__, old, new)
        for value, old, new in zip(values, before, after, strict=True)
        if old != new
        # The walk's own object has a type; its name is bound in this frame.
        and value is not type(walked)
    ]
    assert moved == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="every instance has its dictionary")
def test_no_dictionary_is_made_of_inline_attributes():
    plain = Plain()
    heap = walk()
    assert heap.of(plain).fields["__dict__"] == 0
    again = walk()
    assert again.of(plain).fields["__dict__"] == 0
    assert again.of(plain).fields["value"] == id(plain.value)


def test_blocks_of_the_allocator_are_as_many_as_before():
    _tracker.heap_walk().release()
    gc.collect()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        walked = _tracker.heap_walk()
        walked.release()
        del walked
        after = sys.getallocatedblocks()
    finally:
        gc.enable()
    # `before` is an int itself.
    assert after - before <= 1


def test_the_walk_is_not_in_its_own_picture():
    first = _tracker.heap_walk()
    heap = walk()
    assert heap.objects.of_type("HeapWalk") == [id(first)]
    assert heap.objects.of_type("HeapSection") == []


def test_collector_lists_are_as_they_were_with_everything_frozen():
    kept = [Plain() for _ in range(10)]
    gc.collect()
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        heap = walk()
        assert gc.get_freeze_count() == count
        assert all(heap.of(plain).flags & raw_heap.FROZEN for plain in kept)
    finally:
        gc.unfreeze()
    assert not walk().of(kept[0]).flags & raw_heap.FROZEN


def test_garbage_is_met_before_it_is_collected():
    gc.collect()
    gc.disable()
    try:
        plain = Plain()
        plain.value = plain
        address = id(plain)
        del plain
        assert walk().objects[address].type.name == "Plain"
    finally:
        gc.enable()


def test_untracked_containers_are_met_through_what_holds_them():
    kept = [(len(ran), 2.5, "three"), {"a": 1.25}]
    gc.collect()
    heap = walk()
    for value in kept:
        entry = heap.of(value)
        assert bool(entry.flags & raw_heap.TRACKED) == gc.is_tracked(value)
    assert heap.of(kept[0]).rest == [id(value) for value in kept[0]]


def test_weak_references_hold_nothing_and_are_listed():
    plain = Plain()
    reference = weakref.ref(plain, lambda gone: ran.append("weakref"))
    heap = walk()
    assert (id(reference), id(plain), 0) in heap.weak
    assert id(plain) not in heap.of(reference).references
    assert heap.of(reference).fields["__callback__"] in heap.objects


def test_immortal_objects_and_static_types_are_said_to_be():
    heap = walk()
    if sys.version_info >= (3, 12):
        assert heap.of(None).flags & raw_heap.IMMORTAL
        assert heap.of(int).flags & raw_heap.IMMORTAL
    assert heap.of(int).fields["__mro__"] == id(int.__mro__)
    assert heap.of(int).fields["__name__"] == 0
    assert not heap.of(int).flags & raw_heap.TRACKED


def test_equal_strings_have_one_fingerprint_and_many_have_a_preview():
    copies = ["".join(["repeated ", "text"]) for _ in range(1000)]
    other = "".join(["another ", "text"])
    data = bytes(bytearray(b"repeated text"))
    heap = walk()
    prints = {heap.of(copy).fingerprint for copy in copies}
    assert len({id(copy) for copy in copies}) == 1000
    assert len(prints) == 1
    assert heap.of(other).fingerprint not in prints
    assert heap.of(data).fingerprint not in prints
    assert any(text == "repeated text" for text, _, _ in heap.previews.values())


def test_ordered_and_default_dictionaries_show_pairs():
    ordered = OrderedDict([("x", Plain()), ("y", 2)])
    default = defaultdict(list, {"k": [1]})
    heap = walk()
    pairs = heap.of(ordered).rest
    assert pairs[:4] == [id(value) for pair in ordered.items() for value in pair]
    assert pairs[4:] == [id("x"), 0, id("y"), 0]
    assert heap.of(ordered).size == sys.getsizeof(ordered)
    assert heap.of(default).fields["default_factory"] == id(list)
    assert heap.of(default).rest == [id(value) for pair in default.items() for value in pair]


def test_long_keys_are_cut_and_odd_ones_have_texts():
    keys = {"ä\ud800" * 3: 1, b"\x00\xff": 2, -5: 3, "k" * 5000: 4, 2**100: 5, True: 6}
    heap = walk()
    texts = [heap.keys.get(id(key)) for key in keys]
    assert texts[0] == ("ä\ud800" * 3, 0, 0)
    assert texts[1] == ("\x00\xff", 1, 0)
    assert texts[2] == ("-5", 2, 0)
    assert texts[3] == ("k" * 1024, 0, 1)
    assert texts[4] is None
    assert texts[5] == ("True", 2, 0)


def test_an_object_is_found_at_its_address():
    plain = Plain()
    assert _tracker.address_is(id(plain), id(Plain)) is plain
    assert _tracker.address_is(id(plain), id(list)) is None
    assert _tracker.address_is(id(plain) + 16, id(Plain)) is None
    assert _tracker.address_is(0, id(Plain)) is None


def test_snapshots_inside_finalizers_and_weak_callbacks():
    counts = []

    class Dying:
        def __init__(self):
            self.me = self

        def __del__(self):
            heap = _tracker.heap_walk()
            counts.append(len(heap.sections()))

    def gone(reference):
        counts.append(len(_tracker.heap_walk().sections()))

    kept = [weakref.ref(Dying(), gone) for _ in range(3)]
    gc.collect()
    assert len(counts) == 6
    assert all(reference() is None for reference in kept)


def test_snapshots_inside_collector_callbacks():
    seen = []

    def callback(phase, info):
        seen.append(len(_tracker.heap_walk().sections()))

    gc.callbacks.append(callback)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(callback)
    assert len(seen) == 2


def test_snapshots_inside_signal_handlers_and_event_loops():
    heaps = []

    def handler(number, frame):
        heaps.append(_tracker.heap_walk())

    previous = signal.signal(signal.SIGUSR1, handler)
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)

    async def main():
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def called():
            heaps.append(_tracker.heap_walk())
            done.set_result(None)

        loop.call_soon(called)
        await done
        heaps.append(_tracker.heap_walk())

    asyncio.run(main())
    for heap in heaps:
        raw_heap.from_walk(heap)
    assert len(heaps) == 3


def test_what_a_signal_handler_raises_during_a_snapshot_is_raised_as_it_is():
    class Late(TimeoutError):
        pass

    def handler(*_: object) -> None:
        raise Late

    heapscope.heap()  # imports, which take such an error for that of a file
    previous = signal.signal(signal.SIGALRM, handler)
    try:
        for round_ in range(30):
            with pytest.raises(Late):  # noqa: PT012 - in the walk, or after it
                signal.setitimer(signal.ITIMER_REAL, 0.0002 * (1 + round_ % 10))
                heapscope.heap()
                while True:
                    pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_sorting_list_is_walked_while_its_items_are_away():
    class Key:
        def __init__(self, value):
            self.value = value

        def __lt__(self, other):
            if not heaps:
                heaps.append(walk())
            return self.value < other.value

    heaps: list[raw_heap.RawHeap] = []
    values = [Key(3), Key(1), Key(2)]
    values.sort()
    assert heaps[0].of(values).rest == []


HAMMER = """
import gc, sys, threading
from heapscope import _tracker

class Node:
    __slots__ = ("next", "data", "extra", "__weakref__")

class Plain:
    pass

stop = threading.Event()
failures = []

def mutate(seed):
    rows, table, members = [], {}, set()
    number = seed
    try:
        while not stop.is_set():
            number = (number * 1103515245 + 12345) & 0x7FFFFFFF
            node = Node()
            node.data = [number, str(number), {number: members, "text": (number,)}]
            plain = Plain()
            setattr(plain, "a%d" % (number % 40), node)
            node.next = plain
            rows.append(plain)
            table[str(number % 97)] = rows[-5:]
            members.add(number % 109)
            if number % 3 == 0:
                table.pop(str(number % 31), None)
                members.discard(number % 17)
            if number % 7 == 0:
                plain.__dict__
            if number % 50 == 0:
                rows = rows[-100:]
            if number % 500 == 0:
                sorted(rows, key=lambda row: id(row))
                (x for x in rows).__next__()
    except BaseException as error:
        failures.append(error)

sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=mutate, args=(seed,)) for seed in range(16)]
for thread in threads:
    thread.start()
walks = 0
for _ in range(int(sys.argv[1])):
    walk = _tracker.heap_walk()
    sections = dict(walk.sections())
    assert len(sections[2]) > 20 * 10_000
    del sections
    walk.release()
    walks += 1
stop.set()
for thread in threads:
    thread.join()
gc.collect()
assert not failures, failures
print(walks)
"""


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.mark.parametrize("walks", [pytest.param("200", marks=pytest.mark.one_version), "20"])
def test_sixteen_threads_change_the_heap_during_all_walks(walks):
    result = run(HAMMER, walks)
    assert (result.returncode, result.stdout, result.stderr) == (0, walks + "\n", "")


def test_a_subinterpreter_is_refused_in_one_line():
    name = {True: "_interpreters", False: "_xxsubinterpreters"}[sys.version_info >= (3, 13)]
    program = f"""
import sys
import {name} as interpreters
from heapscope import _tracker
before = _tracker.heap_walk()
legacy = ("legacy",) if sys.version_info >= (3, 13) else ()
options = {{"isolated": False}} if (3, 12) <= sys.version_info < (3, 13) else {{}}
inner = interpreters.create(*legacy, **options)
outcome = interpreters.run_string(inner, '''
try:
    from heapscope import _tracker
    _tracker.heap_walk()
    print("walked", flush=True)
except (RuntimeError, ImportError) as error:
    print(type(error).__name__, flush=True)
''')
assert outcome is None, outcome
_tracker.heap_walk().release()
print("main walked", flush=True)
interpreters.destroy(inner)
"""
    result = run(program)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n")[0] in ("RuntimeError", "ImportError")
    assert result.stdout.endswith("main walked\n")


def test_too_little_memory_is_one_line_and_nothing_breaks():
    program = """
import resource
from heapscope import _tracker
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20), resource.RLIM_INFINITY))
try:
    _tracker.heap_walk()
except MemoryError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
_tracker.heap_walk().release()
print("walked")
"""
    result = run(program)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "no memory for the heap snapshot\nwalked\n"


def test_objects_at_odd_addresses_keep_them():
    addresses = [id(value) for value in vars(sys).values()] + [id(sysconfig), id(threading)]
    heap = walk()
    odd = heap.objects.with_flag(raw_heap.ODD_ADDRESS)
    assert all(address % 16 == 8 for address in odd)
    assert all(address in odd or address % 16 == 0 for address in heap.objects)
    assert all(address in heap.objects for address in addresses)

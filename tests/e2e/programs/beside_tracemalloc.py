# mypy: ignore-errors
"""Both trackers over one work in one process; prints tracemalloc's live bytes and blocks by line.

Arguments: what is done, and the capture.
"""

import gc
import importlib
import sys
import tracemalloc

from heapscope import _tracker


def json_documents():
    import json

    made = [json.loads(json.dumps({str(i): [i, i / 3, {"k": [i]}] * 3})) for i in range(500)]
    return made, {key: [made[key]] for key in range(100)}


def data_classes():
    import dataclasses

    @dataclasses.dataclass
    class Point:
        x: float
        y: float
        tags: list = dataclasses.field(default_factory=list)

    return [Point(i / 7, i, [i] * (i % 9)) for i in range(2_000)]


def asynchronous():
    import asyncio

    async def worker(queue, out):
        while (item := await queue.get()) is not None:
            out.append({item: [item] * (item % 13)})

    async def main():
        queue, out = asyncio.Queue(), []
        tasks = [asyncio.create_task(worker(queue, out)) for _ in range(5)]
        for item in range(1_000):
            await queue.put(item)
        for _ in tasks:
            await queue.put(None)
        await asyncio.gather(*tasks)
        return out

    return asyncio.run(main())


def large_library():
    return importlib.import_module("django.db.models")


class Slotted:
    __slots__ = ("one", "other")


def plain(count):
    """Objects of types that CPython keeps in no free list."""
    out = []
    for size in range(count):
        out.append(bytearray(size))  # here: bytearrays
        out.append(Slotted())  # here: slotted
        out.append("é" * size)  # here: strings
        out.append({*range(size % 10)})  # here: sets
        out.append(10**size)  # here: integers
    return out


work = {
    "json": json_documents,
    "dataclasses": data_classes,
    "asyncio": asynchronous,
    "library": large_library,
}[sys.argv[1]]
traces = None
# Looked up before: a lookup puts a name into CPython's cache of types' attributes, and the name
# that it takes the place of may have been in use there only. Between the ends nothing is freed.
get_traces, stop = tracemalloc._get_traces, _tracker.stop
gc.collect()
tracemalloc.start(1)
_tracker.start(sys.argv[2])  # here: start
gc.collect()  # here: started
# The free lists are empty now: no block that was born before is used again.
held = plain(700)
more = work()
dropped = plain(300)
del dropped
gc.collect()
gc.disable()
traces = get_traces()  # here: stop
stop()
tracemalloc.stop()
lines = {}
for domain, size, ((file, line), *_), *_ in traces:
    if domain == 0:
        bytes_, blocks = lines.get((file, line), (0, 0))
        lines[file, line] = bytes_ + size, blocks + 1
print(lines)

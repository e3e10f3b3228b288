# mypy: ignore-errors
"""Both tracers over random programs in one process; prints what differs between their answers.

Argument: the seed. Compared are blocks of a kilobyte and more, which come from the allocator each
time; smaller ones may come from a free list, where tracemalloc moves them to the line that takes
them out (docs/tracemalloc.md).
"""

import array
import gc
import linecache
import random
import sys
import tracemalloc

import heapscope
from heapscope import traces

SEED, DEPTH = int(sys.argv[1]), 4


def source_of(choose):
    """Functions that call earlier ones, and allocate, keep and drop blocks."""
    lines = ["kept = []"]
    for number in range(12):
        lines.append(f"def f{number}(depth=0):")
        for _ in range(choose.randint(2, 6)):
            size, times = choose.randint(1000, 9000), choose.randint(1, 4)
            lines.append(
                "    "
                + choose.choice(
                    [
                        f"kept.extend(b'x' * ({size} + i) for i in range({times}))",
                        f"kept.append(bytes({size}))",
                        f"kept.append('é' * {size})",
                        f"kept.append(bytearray({size})); kept[-1].extend(b'y' * {size})",
                        f"temporary = [bytes({size}) for i in range({times})]",
                        f"del kept[:{times}]",
                        f"kept.append([None] * {size})",
                        f"kept.append({{*range({size // 8})}})",
                        f"f{choose.randrange(number)}()" if number else "pass",
                        f"f{number}(depth + 1) if depth < 2 else bytes({size})",
                        f"kept.append(list(map(bytes, [{size}] * {times})))",
                    ]
                )
            )
    lines.append("def work(): " + "; ".join(f"f{choose.randrange(12)}()" for _ in range(6)))
    return "\n".join(lines)


def large(snapshot, kind):
    """What the program under test allocated, in blocks that no free list keeps."""
    kept = [
        trace
        for trace in snapshot.traces._traces
        if trace[0] == 0 and trace[1] >= 1000 and trace[2][0][0] == "<program>"
    ]
    return kind(kept, snapshot.traceback_limit)


def texts(statistics):
    return [repr(each) for each in statistics]


def compare(name, ours, theirs):
    if ours != theirs and isinstance(ours, str):
        print(name, ours, theirs)
    elif ours != theirs:
        print(name, [one for one in ours if one not in theirs][:3])
        print(" " * len(name), [one for one in theirs if one not in ours][:3])


choose = random.Random(SEED)
text = source_of(choose)
space = {}
exec(compile(text, "<program>", "exec"), space)
linecache.cache["<program>"] = (len(text), None, text.splitlines(True), "<program>")
gc.collect()
gc.disable()
limit = choose.choice((1, 2, DEPTH, 25))
tracemalloc.start(limit)
heapscope.start(limit)
assert heapscope.get_traceback_limit() == tracemalloc.get_traceback_limit() == limit
pairs = []
# From here on both have the same blocks: what was made between the two starts is forgotten.
heapscope.clear_traces()
tracemalloc.clear_traces()


cells = array.array("q", [0] * 8)


def look(at):
    # Nothing that is made here is live at the next look, but a tuple that stays in its free list.
    heapscope.get_traced_memory()
    cells[at] = heapscope.get_traced_memory()[0]
    cells[at + 1] = tracemalloc.get_traced_memory()[0]
    cells[at + 2] = heapscope.get_traced_memory()[1]
    cells[at + 3] = tracemalloc.get_traced_memory()[1]


look(0)
look(4)
for _ in range(3):
    heapscope.reset_peak()
    tracemalloc.reset_peak()
    look(0)
    space["work"]()
    look(4)
    compare("live", [cells[4] - cells[0]], [cells[5] - cells[1]])
    compare("peak", [cells[6] - cells[0]], [cells[7] - cells[1]])
    pairs.append((heapscope.take_snapshot(), tracemalloc.take_snapshot()))
    for thing in [each for each in space["kept"] if isinstance(each, (bytes, str))][:40]:
        ours, theirs = (
            heapscope.get_object_traceback(thing),
            tracemalloc.get_object_traceback(thing),
        )
        compare("object", repr(ours).split(" total")[0].strip(">"), repr(theirs).strip(">"))

blocks = 0
old = None
for ours, theirs in pairs:
    ours, theirs = large(ours, traces.Snapshot), large(theirs, tracemalloc.Snapshot)
    blocks += len(theirs.traces)
    compare("traces", *(sorted(each.traces._traces) for each in (ours, theirs)))
    for key, cumulative in [
        ("lineno", False),
        ("filename", False),
        ("traceback", False),
        ("lineno", True),
        ("filename", True),
    ]:
        compare(key, *(texts(each.statistics(key, cumulative)) for each in (ours, theirs)))
        if old:
            compare(
                "compare_to " + key,
                texts(ours.compare_to(old[0], key, cumulative)),
                texts(theirs.compare_to(old[1], key, cumulative)),
            )
    for inclusive in (True, False):
        for line in range(2, 60, 7):
            for all_frames in (True, False):
                compare(
                    "filter",
                    *(
                        texts(
                            each.filter_traces(
                                [module.Filter(inclusive, "<prog*", line, all_frames)]
                            ).statistics("traceback")
                        )
                        for module, each in ((heapscope, ours), (tracemalloc, theirs))
                    ),
                )
    old = (ours, theirs)
print(blocks)

"""One tool, once, on one heap, in a process of its own: prints a line of JSON.

``probe.py TOOL SHAPE OBJECTS ordered|shuffled DIRECTORY``. Processor time is the process's; added
memory is the highest resident size meanwhile above that before.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shapes import SHAPES

Answer = dict[str, Any]


class Stopwatch:
    """Processor and wall time, and how much memory a stretch needed at most."""

    def __enter__(self) -> Stopwatch:  # noqa: PYI034 - no typing_extensions there
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark is that of now
        self._resident = resident("VmRSS")
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.cpu_s = time.process_time() - self._cpu
        self.wall_s = time.perf_counter() - self._wall
        self.added_bytes = max(0, resident("VmHWM") - self._resident)

    def figures(self) -> Answer:
        return {"cpu_s": self.cpu_s, "wall_s": self.wall_s, "added_bytes": self.added_bytes}


def resident(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


# ---- heapscope


def walk(root: object, directory: Path) -> Answer:
    """The first snapshot of a process: objects, types, sizes and all references, in memory."""
    from heapscope import _tracker

    with Stopwatch() as watch:
        taken = _tracker.heap_walk()
    seen = graph_of(taken)
    return {**watch.figures(), "objects": seen.object_count, "references": seen.reference_count}


def graph_of(taken: Any) -> Any:
    from heapscope import _analysis

    return _analysis.HeapGraph.from_walk(taken.sections())


def heap(root: object, directory: Path) -> Answer:
    """``print(heapscope.heap())``: what guppy's users type."""
    import heapscope

    with Stopwatch() as watch:
        text = str(heapscope.heap())
    return {**watch.figures(), "rows": text.count("\n")}


def sizeof(root: object, directory: Path) -> Answer:
    """``heapscope.deep_sizeof(root)``: what Pympler's users call asizeof."""
    import heapscope

    with Stopwatch() as watch:
        size = heapscope.deep_sizeof(root)
    return {**watch.figures(), "bytes": size}


def file(root: object, directory: Path) -> Answer:
    """The sealed snapshot, with all references and names."""
    from heapscope import _tracker

    path = directory / "heap.hsnap"
    with Stopwatch() as watch:
        graph_of(_tracker.heap_walk()).save(path)
    return {**watch.figures(), "file_bytes": path.stat().st_size}


def fork(root: object, directory: Path) -> Answer:
    """What a snapshot in a copy of the process costs the program, beside a bare clone.

    Several of both, in turns. Before each, all pages are written to, as they were before the first:
    the kernel has less to do for a page that is still shared with an earlier copy.
    """
    from heapscope import _tracker

    path = str(directory / "heap.raw")
    before = resident("VmRSS")
    spent: dict[str, list[int]] = {"parent": [], "pause": [], "bare": []}
    with Stopwatch() as watch:
        for _ in range(COPIES):
            write_to_all_pages()
            spent["bare"].append(bare_clone())
            write_to_all_pages()
            started = time.thread_time_ns()
            told = _tracker.heap_write(path, fork=True)
            spent["parent"].append(time.thread_time_ns() - started)
            spent["pause"].append(told["pause_ns"])
    medians = {name: statistics.median(values) for name, values in spent.items()}
    return {
        **watch.figures(),
        "rss_bytes": before,
        "parent_cpu_ns": medians["parent"],
        "pause_ns": medians["pause"],
        "bare_clone_cpu_ns": medians["bare"],
    }


COPIES = 5
CLONE = {"x86_64": 56, "aarch64": 220}
WALL = 0x40000000  # __WALL: children without an exit signal too
PAGE = 4096
LIBC = ctypes.PyDLL(None)  # with the GIL held


def bare_clone() -> int:
    """What the kernel alone takes for a copy of this process, which ends at once."""
    number = CLONE[platform.machine()]
    started = time.thread_time_ns()
    process = LIBC.syscall(number, 0, None, None, None, None)
    if process == 0:
        os._exit(0)
    spent = time.thread_time_ns() - started
    os.waitpid(process, WALL)
    return spent


def write_to_all_pages() -> None:
    """A byte of each anonymous page that is there, with the value that it has."""
    regions = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, access, _, _, inode, *name = line.split()
        if access == "rw-p" and inode == "0" and (not name or name == ["[heap]"]):
            begin, end = (int(address, 16) for address in addresses.split("-"))
            regions.append((begin, end))
    move = LIBC.memmove
    move.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    with open("/proc/self/pagemap", "rb", buffering=0) as pages:
        for begin, end in regions:
            pages.seek(begin // PAGE * 8)
            entries = memoryview(pages.read((end - begin) // PAGE * 8)).cast("Q")
            for number, entry in enumerate(entries):
                if entry >> 63:  # present
                    move(begin + number * PAGE, begin + number * PAGE, 1)


# ---- peers


def guppy(root: object, directory: Path) -> Answer:
    peer = importlib.import_module("guppy").hpy()
    with Stopwatch() as watch:
        text = str(peer.heap())
    return {**watch.figures(), "rows": text.count("\n")}


def pympler_summary(root: object, directory: Path) -> Answer:
    muppy = importlib.import_module("pympler.muppy")
    summary = importlib.import_module("pympler.summary")
    with Stopwatch() as watch:
        lines = list(summary.format_(summary.summarize(muppy.get_objects())))
    return {**watch.figures(), "rows": len(lines)}


def pympler_asizeof(root: object, directory: Path) -> Answer:
    asizeof = importlib.import_module("pympler.asizeof")
    with Stopwatch() as watch:
        size = asizeof.asizeof(root)
    return {**watch.figures(), "bytes": size}


def objgraph(root: object, directory: Path) -> Answer:
    """Counts of what the collector tracks: one object in three to seven of these heaps."""
    peer = importlib.import_module("objgraph")
    with Stopwatch() as watch:
        rows = peer.most_common_types(20)
    return {**watch.figures(), "objects": sum(count for _, count in rows)}


TOOLS: dict[str, Callable[[object, Path], Answer]] = {
    "heapscope_walk": walk,
    "heapscope_heap": heap,
    "heapscope_sizeof": sizeof,
    "heapscope_file": file,
    "heapscope_fork": fork,
    "bare_clone": bare_clone,
    "guppy": guppy,
    "pympler_summary": pympler_summary,
    "pympler_asizeof": pympler_asizeof,
    "objgraph": objgraph,
}


def main(arguments: list[str]) -> int:
    tool, shape, objects, order, directory = arguments
    if tool.startswith("heapscope"):
        importlib.import_module("heapscope._tracker")
    root = SHAPES[shape](int(objects), order == "shuffled")
    gc.collect()
    answer = TOOLS[tool](root, Path(directory))
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    os._exit(0)  # taking the heap down is nobody's figure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

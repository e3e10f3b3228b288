from collections.abc import Callable
from types import CodeType
from typing import Any, Literal, NamedTuple, final

# The part of heapscope that lives in the profiled process. It tracks the process as a whole, into
# one capture at a time; bytes are what was asked of the allocator.

# Where in a capture the RSS that another process saw is to be written: 8 bytes, little-endian.
RSS_SEEN_OFFSET: int

# Begins tracking into a new capture at `path`; an existing file is replaced only with `overwrite`.
# `max_nodes` caps the number of different stacks (0: the built-in cap). Raises OSError when the
# file cannot be made or grown, RuntimeError when tracking is on or this process cannot be tracked.
def start(path: str, *, overwrite: bool = False, max_nodes: int = 0) -> None: ...

# Ends tracking, calls `finish` with `set_metadata` (what it allocates is not tracked any more) and
# closes the capture. Nothing happens when tracking is off, and in a forked child.
def stop(finish: Callable[[Callable[[str, str], None]], None] | None = None, /) -> None: ...
def is_tracing() -> bool: ...

# Writes an entry of the capture's metadata, in place of an earlier one with the same key.
def set_metadata(key: str, value: str, /) -> None: ...

# Names this moment in the capture. A label of more than 192 bytes of UTF-8 is cut. Nothing when
# this process is not tracked, as for the next two.
def mark(label: str, /) -> None: ...

# Names a stretch of time of this thread, from span_begin to span_end. Spans may nest, and may end
# in any order and on any thread; what is open when tracking stops ends then. 0 is no span.
def span_begin(label: str, /) -> int: ...
def span_end(span: int, /) -> None: ...

# Watches the heap and RSS, in bytes: what passes `snapshot_at` leaves a copy of the capture, of
# that moment, at `snapshot_path`; what passes `stop_at` calls stop("heap" | "rss", bytes, limit) in
# the frame that allocated. Each once. Raises RuntimeError when not tracking.
def set_limits(
    *,
    snapshot_at: int | None = None,
    snapshot_path: str = "",
    stop_at: int | None = None,
    stop: Callable[[str, int, int], object] | None = None,
) -> None: ...

# The tracker's figures now: live_bytes, peak_bytes, allocations, frees, events_lost, own_bytes, …
def counters() -> dict[str, int]: ...

# A tuple; `net_bytes` is allocated less freed, `peak_bytes` the highest net above the start (>= 0).
@final
class MeterReading(NamedTuple):
    allocated_bytes: int
    freed_bytes: int
    allocations: int
    frees: int
    net_bytes: int
    peak_bytes: int

# The calling thread's own allocations between start and stop: a block belongs to the thread that
# allocates or frees it. Nests to any depth. `read` and `stop` raise RuntimeError when it was not
# started or on another thread, `start` when it was, or when the process is not tracked. A meter
# that is started must be stopped. It goes on in a forked child, which is not tracked: nothing
# moves.
@final
class Meter:
    def start(self) -> None: ...
    def read(self) -> MeterReading: ...
    def stop(self) -> MeterReading: ...

# The same of all threads of the process; may be read and stopped on any. O(sites) a call. `read`
# and `stop` raise RuntimeError when tracking has stopped in between.
@final
class ProcessMeter:
    def start(self) -> None: ...
    def read(self) -> MeterReading: ...
    def stop(self) -> MeterReading: ...

# What `profiled` returns: calls `__wrapped__`, binds as a method, carries the names
# functools.wraps copies.
@final
class ProfiledFunction:
    __wrapped__: Callable[..., Any]
    __name__: str
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __get__(self, instance: object, owner: type | None = None) -> Any: ...

# A callable that calls `function` and counts, on the thread and meanwhile, the lines of `code` and
# of all other counted code. After the thread's outermost profiled call of `code` has ended,
# `finished(code)` is called, apart from all meters; not in a child that was forked in the call.
# Where the process is not tracked it only calls. RuntimeError: no id of sys.monitoring is free.
def profiled(
    function: Callable[..., Any],
    code: CodeType,
    finished: Callable[[CodeType], object] | None,
    /,
) -> ProfiledFunction: ...

# The same for wrappers made in Python, around each resumption of a generator or coroutine of
# `code`. `profile_enter` tells whether the process is tracked; call `profile_leave` only if it
# did.
def profile_enter(code: CodeType, /) -> bool: ...
def profile_leave(code: CodeType, ended: bool, /) -> None: ...

# Lines of `code` are counted wherever it runs while profiling is open on the thread.
def profile_code(code: CodeType, /) -> None: ...

# From now on profiling is open on every thread, and `predicate(filename)` is asked of each code
# object once; None ends it.
def profile_everything(predicate: Callable[[str], object] | None, /) -> None: ...

# The figures now, a dict for each function (or that of `code`), with the keys of the JSON of
# `lines` less `source`, and net_per_call; per_call and net_per_call have median_exact, and are
# None where no call has ended. Empty when the process is not tracked.
def line_profile(code: CodeType | None = None, /) -> list[dict[str, Any]]: ...

# Zero the figures of a code object.
def forget_line_profile(code: CodeType, /) -> None: ...

# The blocks that are live at this moment, as columns: file names; for each frame, entry 0 left out,
# its caller, file, line and depth (4 bytes each); for each row of equal blocks its innermost frame
# (4 bytes), domain, size and how many there are (8 bytes each). Domains: 0 is Python's own, below
# 2**32 what extensions report, 2**32 malloc and 2**32 + 1 mmap, these two only when `native`.
# Blocks with a frame in a file whose name begins with `own_directory` are left out. None when not
# tracking.
def live_traces(
    native: bool, own_directory: str, /
) -> tuple[tuple[str, ...], bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes] | None: ...

# The (file, line) of the innermost `limit` frames of where an object's block was allocated,
# innermost first; None when it is not traced.
def object_frames(obj: object, limit: int, /) -> tuple[tuple[str, int], ...] | None: ...

# Bytes that tracemalloc would count, now and at their highest since the peak was reset. The first
# call of any of these three begins the counting, at what is live then.
def get_traced_memory() -> tuple[int, int]: ...
def reset_peak() -> None: ...
def clear_traces() -> None: ...

# Bytes that were asked of the allocator for an object alone; for all that belongs to those of a
# tuple, each once; for what would be freed with them. Nothing of the program runs. The tuple's
# objects are entered whatever they are; see src/walker/boundary.h for what else is not.
def shallow_size(obj: object, /) -> int: ...
def deep_size(objects: tuple[object, ...], /) -> int: ...
def retained_size(objects: tuple[object, ...], /) -> int: ...

# (bytes, objects, of them those whose type sizes itself in Python code, objects reached whose
# types are or extend one of `bases`, and where the data of bytes and arrays reached lies: begin and
# end, 8 bytes each)
def deep_figures(
    objects: tuple[object, ...], bases: tuple[type, ...], /
) -> tuple[int, int, int, list[Any], bytes]: ...

# Of each group (bytes, objects): of what it reaches and the groups before it do not. What deep_size
# does not enter is not counted.
def deep_parts(groups: tuple[tuple[object, ...], ...], /) -> tuple[tuple[int, int], ...]: ...

# What an object refers to by names of its type: ``.attribute``, ``<no attribute>``.
def fields(obj: object, /) -> dict[str, Any]: ...

# (bytes, blocks, grade, bytes of shared blocks, bytes with the objects) of the memory blocks, other
# than Python objects, that would be freed with the tuple's objects. Walks the heap while tracking.
def native_size(
    objects: tuple[object, ...], /
) -> tuple[int, int, Literal["exact", "dominated", "shared", "unknown"], int, int]: ...

# Nodes, one for each object of the tuple, as (name, type, preview, bytes, total bytes, objects,
# nodes below, children not shown, objects and bytes not shown), and what the bytes are spent on.
def size_tree(
    objects: tuple[object, ...], detail: int, limit: int, /
) -> tuple[list[tuple[Any, ...]], dict[str, int]]: ...

# How many objects the collector has in the generations 0 to `generation`, which is what a
# collection of that looks at; None where that is not known before (increments of 3.14).
def gc_objects(generation: int, /) -> int | None: ...

# Watches collections from now on by an entry in gc.callbacks; while recording they are spans
# ("gc generation 2") and what older ones freed are marks. Those of generation 0 only if `young`.
def gc_watch(young: bool, /) -> None: ...
def gc_unwatch() -> None: ...

# By generation: collections, examined (None: not known), freed, pause_ns, longest_ns. None when not
# watched.
def gc_watched() -> list[dict[str, Any]] | None: ...

# A walk of the heap in memory: sections of the raw form of a snapshot (src/heap/format.h), as
# (kind, bytes). Released when collected, or by `release`, which BufferError refuses while bytes are
# used.
@final
class HeapWalk:
    def sections(self) -> list[tuple[int, memoryview]]: ...
    def hand_over(self) -> object: ...
    def release(self) -> None: ...

# Walks the heap of the main interpreter; nothing of the program runs meanwhile, and nothing of it
# changes. RuntimeError: this heap cannot be walked; MemoryError: not enough memory for it.
def heap_walk(*, native: bool = False, fingerprints: bool = True) -> HeapWalk: ...

# The same into a file, written beside and renamed; `fork`: from a copy-on-write copy of the
# process, which is invisible to the program. Returns what it took: pause_ns, walk_cpu_ns, objects,
# bytes, …
def heap_write(
    path: str | bytes,
    *,
    fork: bool = False,
    native: bool = False,
    fingerprints: bool = True,
    trigger: str = "api",
) -> dict[str, int]: ...

# Heap snapshots that the process takes of itself, in a copy of it and without waiting: into
# `at_peak` when the heap passes the last one's by `percent`, into `at_limit` when set_limits()
# keeps a copy of the capture, into `on_memory_error` at the first MemoryError (this one is waited
# for).
# RuntimeError when not tracking, but for the last.
def heap_triggers(
    *,
    at_peak: str | None = None,
    percent: int = 10,
    at_limit: str | None = None,
    on_memory_error: str | None = None,
) -> None: ...

# One into `path`, not waited for; one that is under way is. RuntimeError in one line where the
# process cannot be copied.
def heap_start(path: str, trigger: str, /) -> None: ...

# End the triggers, wait for the snapshot under way: {"peak_snapshots": int, "snapshot_live_bytes":
# int, "refusal": str | None}.
def heap_finish() -> dict[str, Any]: ...

# The object at an address, when the heap, which is walked for it, has one of the type at the other
# address there; else None.
def address_is(address: int, type_address: int, /) -> object | None: ...

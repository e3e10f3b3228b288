from collections.abc import Callable

# The part of heapscope that lives in the profiled process. It tracks the process as a whole, into
# one capture at a time; bytes are what was asked of the allocator.

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

# The tracker's figures now: live_bytes, peak_bytes, allocations, frees, events_lost, own_bytes, …
def counters() -> dict[str, int]: ...

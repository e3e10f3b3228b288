// Limits on the process's memory: when the heap or RSS passes one, once, a copy of the capture is kept or the
// program stops in a debugger.
//
// A heap that passes a limit is seen by the event that does it (Recorder::reach_maximum, where a new maximum
// is noted anyway: one comparison there, none elsewhere) and is acted upon when that event is over, before the
// allocator returns to the program. RSS is looked at when a ledger is collected, at most every 10 ms of
// allocating, and whoever watches from outside writes what it saw into superblock.rss_seen, which is read with
// the clock.
//
// The debugger is Python: it is called at a point where Python may run. On the main thread that is the
// interpreter's next check of pending calls, in the frame that allocated or, where that has returned, in its
// caller; on another thread the next line. A thread that does not hold the GIL leaves it to the main thread.
//
// GIL held unless said otherwise; never under the recording lock unless said otherwise.
#pragma once

#include <Python.h>

#include <cstdint>

#include "capture/format.h"

namespace heapscope::tracker {

// What passed a limit: the highest seen, in bytes.
struct Passed {
  std::uint64_t heap_bytes = 0;
  std::uint64_t rss_bytes = 0;
  bool snapshot = false;
  bool stop = false;
  bool heap = false;  // the heap alone passed its own limit
};

// capture::kUnknown: no such limit. `snapshot_path` is where the copy goes, replacing what is there, at most
// 4,000 bytes; `stop` is called as stop(what, bytes, limit): "heap" or "rss". While tracking; replaces what was
// set before. False when not tracking or the path is too long.
bool set_limits(std::uint64_t snapshot_bytes, const char* snapshot_path, std::uint64_t stop_bytes,
                PyObject* stop) noexcept;
// Tracking has ended.
void forget_limits() noexcept;

// What is done where the heap alone passed `bytes`, once, or a copy of the capture was kept (`at_copy`): called on the
// thread whose event it was, with the GIL or without, where nothing but scheduling is safe. Null: nothing. False when
// not tracking.
using HeapLimitPassed = void (*)(bool at_copy, bool has_gil) noexcept;
bool set_heap_limit(std::uint64_t bytes, HeapLimitPassed passed) noexcept;

// Recording lock held, any thread: whether a limit was passed that is not dealt with, as far as is known without
// a ledger, and with one.
bool is_limit_near() noexcept;
bool is_limit_passed(const capture::Tick& tick) noexcept;
// Recording lock held, any thread, after the tick has ended: what was passed. Writes the snapshot, 1 ms a MiB
// of the capture; the caller then calls stop_program() where it says so, without the lock.
Passed take_passed(const capture::Tick& tick) noexcept;
// On the thread whose event it was, with the GIL or without.
void stop_program(const Passed& passed) noexcept;

}  // namespace heapscope::tracker

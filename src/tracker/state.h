// What every event reads and writes, on pages that a copied process finds zeroed (MADV_WIPEONFORK): a child
// made by fork, _Fork or clone sees armed == 0 and forwards, whatever its parent's threads were doing.
//
// All is guarded by the recording lock. `run` and `armed` are written under it and read without it as
// a hint; who then takes the lock compares `run`.
#pragma once

#include <cstdint>

#include "capture/format.h"
#include "tracker/blocks.h"
#include "tracker/recording_lock.h"
#include "tracker/thread_state.h"

namespace heapscope::tracker {

// Two counters that move in one 16-byte store, so that a kill cannot part them.
using BytesAndBlocks = std::uint64_t __attribute__((vector_size(16)));

struct HeapScope;

struct alignas(4096) State {
  std::uint32_t armed;
  std::uint32_t run;              // number of this run, 0 when not tracking: lanes of other runs are stale
  std::uint32_t countdown;        // events until the clock is read
  std::uint32_t code_generation;  // raised when a code object dies: cached walks that may name it are dropped
  BytesAndBlocks live;
  std::uint64_t peak_bytes;
  std::uint64_t peak_word;  // as in the superblock
  capture::Superblock* superblock;
  LaneState* uncommitted_lane;  // the one lane that may have uncommitted ring entries
  std::uint64_t now_ns;         // last clock reading
  std::uint64_t next_tick_ns;
  std::uint64_t tick_max_bytes;  // of the current tick
  std::uint32_t tick_due;
  std::uint64_t last_tick_peak;    // peak_bytes when the last tick ended
  std::uint64_t tick_floor_bytes;  // the tick's maximum before tick_max_bytes began anew (heap_scope.h)
  HeapScope* heap_scopes;
  std::uint64_t limit_bytes;       // of a heap or an RSS that something waits for; all ones: none
  std::uint64_t heap_limit_bytes;  // of the heap alone; all ones: none
  // What tracemalloc would count: blocks of Python's own domains and those that extensions report, since it was
  // asked for. Kept only while `traced`.
  std::uint32_t traced;
  std::uint64_t traced_live;
  std::uint64_t traced_peak;
  RecordingLock lock;
  BlockTable blocks;
};

extern State state;

// The part of begins_event that is not for every event: false for inner calls and when not tracking. Gives the
// thread a lane, and patches the libraries that it loaded.
bool begins_event_slowly(ThreadState& thread) noexcept;

// Asks the kernel to zero `state` in children. Once, before the first run.
bool wipe_state_in_children() noexcept;

}  // namespace heapscope::tracker

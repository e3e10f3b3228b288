// What the tracker keeps for a thread. A thread takes a lane at its first allocation and leaves it when it
// ends, to be taken by a later thread: as many lanes as there were threads at once.
//
// The lane's ring, the thread's latest blocks, lies in the capture (format.h); the rest is private memory.
// Guarded by the recording lock, but for `levels` and `frame_levels`, which only the lane's thread touches.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "cpython/link.h"
#include "memory/raw_memory.h"
#include "tracker/thread_state.h"

namespace heapscope::tracker {

// One frame of the thread's last walked stack; python_walk.h says how it is used.
struct alignas(32) Level {
  cpython::Link link;  // the frame's caller, and its code and instruction
  const cpython::Frame* frame;
  std::uint32_t node;
  std::uint32_t parent;  // node of the caller's level: (parent, key) -> node was looked up before
};
static_assert(sizeof(Level) == 32);

// A stack that allocated before: its innermost frame below the stack of the caller, and its sites.
struct StackMemo {
  static constexpr std::size_t kDomains = 4;  // all but kMmap

  std::uintptr_t key;
  std::uint32_t parent;
  std::uint32_t node;
  std::uint32_t sites[kDomains];  // 0: not looked up yet
};
static_assert(sizeof(StackMemo) == 32);

struct LaneState {
  static constexpr std::size_t kMemoEntries = 256;
  static constexpr std::size_t kFrameEntries = 1024;

  capture::Lane* record;
  std::uint64_t sequence;  // allocations of its threads so far; the ring's next entry is sequence % 8
  std::uint32_t index;
  std::uint32_t root;
  Level* leaf;  // of the last walk; the sentinel (levels.data()) when there is none that can be believed
  std::uint64_t committed;                      // entries made before this sequence are not uncommitted
  std::uint32_t cohorts[capture::kRingBlocks];  // of committed entries
  capture::SiteCounters* sites[capture::kRingBlocks];  // of all
  std::uintptr_t slots[capture::kRingBlocks];          // the block's slot; for an odd address that, plus 1
  StackMemo memo[kMemoEntries];
  PageArray<Level> levels;  // the first is a sentinel that is never equal to a frame; its node is the root
  std::uint32_t code_generation;
  PageArray<const cpython::Frame*> pending_frames;  // scratch of a walk
  std::uint32_t frame_levels[kFrameEntries];        // hash of a frame's address -> its level, a hint
  std::uint32_t next_vacant;                        // index + 1 of the next vacant lane, 0 = none
  bool named_by_python;                             // its thread's name came from Python and stands

  // Levels in use, the sentinel not counted.
  std::uint32_t depth() noexcept { return static_cast<std::uint32_t>(leaf - levels.data()); }
};

// Gives the thread a lane of the present run. False when memory or file are exhausted (an event is lost) or
// when this process does not track. Not under the recording lock.
bool take_lane(ThreadState& thread) noexcept;

}  // namespace heapscope::tracker

// The Python stack of an allocation, as a node of the trie, by the verified cached walk.
//
// A lane keeps its thread's last walk as an array of levels, outermost first: frame, the frame's caller, code
// and instruction, and the node found for them. The next walk starts at the interpreter's innermost frame and
// compares level by level from the top: a frame is read only after the level above has shown that it is still
// its caller, and nothing is believed that was not compared. An unchanged level costs one compare of 16 bytes
// (0.6-0.8 ns, the loads do not wait for each other); levels above the lowest change get their nodes anew, and
// a level remembers the last (parent, key) it looked up, so calling and returning rarely reaches the index.
// When frames were pushed or popped the walk goes up the callers to the first frame that has a level, found by
// a hash of its address, and verifies from there.
//
// Every walk is therefore equal to a full one; with HEAPSCOPE_CHECK_WALKS each is compared with a full one and
// the process aborts at a difference.
//
// Recording lock held, on the thread whose stack it is (cpython/frames.h: when a walk is safe).
#pragma once

#include "cpython/frames.h"
#include "tracker/lanes.h"
#include "tracker/recorder.h"
#include "tracker/state.h"

namespace heapscope::tracker {

// Slow part: frames were pushed or popped since the last walk.
std::uint32_t walk_changed_stack(LaneState& lane, const cpython::Frame* frame) noexcept;
// Nodes of the levels from `lowest` up.
std::uint32_t renew_nodes(LaneState& lane, std::uint32_t lowest) noexcept;
void forget_levels(LaneState& lane) noexcept;
void check_walk(LaneState& lane, const cpython::Frame* frame, std::uint32_t node) noexcept;

// `python_thread` may be null: a thread without Python has the empty stack of its lane.
[[gnu::always_inline]] inline std::uint32_t walk_stack_unchecked(LaneState& lane,
                                                                 const cpython::Frame* frame) noexcept {
  if (lane.code_generation != state.code_generation) [[unlikely]] forget_levels(lane);
  const std::uint32_t depth = lane.depth;
  Level* const bottom = lane.levels.data();
  Level* const leaf = bottom + depth - 1;
  if (depth == 0 || leaf->frame != frame) return walk_changed_stack(lane, frame);
  Level* lowest = nullptr;
  for (Level* level = leaf; level >= bottom; --level) {
    if (cpython::unchanged(level->frame, level->link)) [[likely]] continue;
    if (cpython::previous(level->frame) != level->link.previous) return walk_changed_stack(lane, frame);
    lowest = level;
  }
  if (lowest == nullptr) return leaf->node;
  return renew_nodes(lane, static_cast<std::uint32_t>(lowest - bottom));
}

inline std::uint32_t walk_stack(LaneState& lane, PyThreadState* python_thread) noexcept {
  if (python_thread == nullptr) return lane.root;
  const cpython::Frame* frame = cpython::current_frame(python_thread);
  if (frame == nullptr) return lane.root;
  const std::uint32_t node = walk_stack_unchecked(lane, frame);
#if defined(HEAPSCOPE_CHECK_WALKS) && HEAPSCOPE_CHECK_WALKS
  check_walk(lane, frame, node);
#endif
  return node;
}

}  // namespace heapscope::tracker

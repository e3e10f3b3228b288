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

using capture::Domain;

// Each walks all but the node of the leaf, and returns the leaf: the sentinel when the stack could not be kept.
// The innermost frame is not the leaf's: most often one call was made or one returned.
[[gnu::noinline]] Level* walk_moved_leaf(LaneState& lane, const cpython::Frame* frame) noexcept;
// The innermost frame and those above `level` hold: most often only the callers' instructions moved.
[[gnu::noinline]] Level* walk_changed_level(LaneState& lane, const cpython::Frame* frame,
                                            Level* level) noexcept;
// No memo of this stack, or none of this domain: looks the leaf up and remembers it.
std::uint32_t find_leaf_site(LaneState& lane, std::uintptr_t key, Domain domain) noexcept;
std::uint32_t root_site(LaneState& lane, Domain domain) noexcept;
void check_walk(LaneState& lane, const cpython::Frame* frame, std::uint32_t node) noexcept;

inline StackMemo& memo_of(LaneState& lane, std::uint32_t parent, std::uintptr_t key) noexcept {
  static_assert(LaneState::kMemoEntries == 256);
  return lane.memo[(key ^ std::uint64_t{parent} << 40) * 0x9E3779B97F4A7C15ULL >> 56];
}

// The site of the present stack and a domain; 0 when it cannot be made. `python_thread` may be null: a thread
// without Python has the empty stack of its lane.
[[gnu::always_inline]] inline std::uint32_t site_of_stack(LaneState& lane, PyThreadState* python_thread,
                                                          Domain domain) noexcept {
  if (python_thread == nullptr) [[unlikely]]
    return root_site(lane, domain);
  const cpython::Frame* frame = cpython::current_frame(python_thread);
  if (frame == nullptr) [[unlikely]]
    return root_site(lane, domain);

  Level* leaf = lane.leaf;
  if (leaf->frame == frame && leaf->link.previous == cpython::previous(frame)) [[likely]] {
    Level* level = leaf - 1;
    while (cpython::unchanged(level->frame, level->link)) --level;
    if (level > lane.levels.data()) leaf = walk_changed_level(lane, frame, level);
  } else {
    leaf = walk_moved_leaf(lane, frame);
  }
  const std::uintptr_t key = cpython::instruction_key(frame);
  StackMemo& memo = memo_of(lane, leaf->parent, key);
  std::uint32_t site = 0;
  if (memo.key == key && memo.parent == leaf->parent) [[likely]] {
    leaf->link.key = key;
    leaf->node = memo.node;
    site = domain == Domain::kMmap ? 0 : memo.sites[static_cast<std::size_t>(domain)];
  }
  if (site == 0) [[unlikely]]
    site = find_leaf_site(lane, key, domain);
#if defined(HEAPSCOPE_CHECK_WALKS) && HEAPSCOPE_CHECK_WALKS
  check_walk(lane, frame, lane.leaf->node);
#endif
  return site;
}

}  // namespace heapscope::tracker

#include "tracker/python_walk.h"

#include <cstdio>
#include <cstdlib>

#include "tracker/python_codes.h"

namespace heapscope::tracker {
namespace {

std::uint32_t& level_hint(LaneState& lane, const cpython::Frame* frame) noexcept {
  const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(frame) >> 3);
  return lane.frame_levels[address * 0x9E3779B1U >> 22];
}
static_assert(LaneState::kFrameEntries == 1024);

std::uint32_t look_up(std::uint32_t parent, const cpython::Frame* frame, std::uintptr_t key) noexcept {
  if (cpython::transparent(frame)) return parent;
  if (const std::uint32_t node = recorder.trie().find(parent, key)) [[likely]] return node;
  return add_frame(parent, cpython::code_of(frame), key);
}

std::uint32_t renew_level(Level& level, std::uint32_t parent) noexcept {
  const std::uintptr_t key = cpython::instruction_key(level.frame);
  if (level.parent == parent && level.link.key == key) return level.node;
  level.link.key = key;
  level.parent = parent;
  return level.node = look_up(parent, level.frame, key);
}

bool push_pending(LaneState& lane, std::uint32_t& count, const cpython::Frame* frame) noexcept {
  if (!lane.pending_frames.reserve(count + 1)) return false;
  lane.pending_frames[count++] = frame;
  return true;
}

}  // namespace

void forget_levels(LaneState& lane) noexcept {
  for (std::size_t index = 0; index < lane.levels.capacity(); ++index) lane.levels[index] = {};
  lane.depth = 0;
  lane.code_generation = state.code_generation;
}

std::uint32_t renew_nodes(LaneState& lane, std::uint32_t lowest) noexcept {
  Level* levels = lane.levels.data();
  std::uint32_t parent = lowest > 0 ? levels[lowest - 1].node : lane.root;
  for (std::uint32_t index = lowest; index < lane.depth; ++index) parent = renew_level(levels[index], parent);
  return parent;
}

std::uint32_t walk_changed_stack(LaneState& lane, const cpython::Frame* frame) noexcept {
  Level* levels = lane.levels.data();
  std::uint32_t known = lane.depth;  // levels that may still hold
  std::uint32_t pending = 0;         // frames that need a level, innermost first
  std::uint32_t kept = 0;            // levels that hold, but for nodes from `lowest` up
  std::uint32_t lowest = 0;
  bool room = true;
  while (room) {
    std::uint32_t found = known;
    for (; frame != nullptr; frame = cpython::previous(frame)) {
      if (known >= 1 && levels[known - 1].frame == frame) {
        found = known - 1;
        break;
      }
      if (known >= 2 && levels[known - 2].frame == frame) {
        found = known - 2;
        break;
      }
      const std::uint32_t hint = level_hint(lane, frame);
      if (hint < known && levels[hint].frame == frame) {
        found = hint;
        break;
      }
      if (!push_pending(lane, pending, frame)) room = false;
    }
    if (found == known) break;
    lowest = found + 1;
    bool holds = true;
    std::uint32_t index = found;
    for (;; --index) {
      const Level& level = levels[index];
      if (!cpython::unchanged(level.frame, level.link)) {
        lowest = index;
        if (cpython::previous(level.frame) != level.link.previous) {
          holds = false;
          break;
        }
      }
      if (index == 0) break;
    }
    if (holds) {
      kept = found + 1;
      break;
    }
    frame = cpython::previous(levels[index].frame);
    for (std::uint32_t above = found + 1; above-- > index;) {
      if (!push_pending(lane, pending, levels[above].frame)) room = false;
    }
    known = index;
    lowest = 0;
  }
  if (kept == 0) lowest = 0;
  if (!room || !lane.levels.reserve(kept + pending)) {
    ++state.superblock->unwalkable_stacks;
    lane.depth = 0;
    return lane.root;
  }
  levels = lane.levels.data();
  lane.depth = kept;
  std::uint32_t parent = renew_nodes(lane, lowest);
  for (; pending > 0; ++lane.depth) {
    const cpython::Frame* next = lane.pending_frames[--pending];
    Level& level = levels[lane.depth];
    level.frame = next;
    level.link.previous = cpython::previous(next);
    parent = renew_level(level, parent);
    level_hint(lane, next) = lane.depth;
  }
  return parent;
}

void check_walk(LaneState& lane, const cpython::Frame* frame, std::uint32_t node) noexcept {
  std::uint32_t count = 0;
  for (; frame != nullptr; frame = cpython::previous(frame)) {
    if (!push_pending(lane, count, frame)) return;
  }
  std::uint32_t full = lane.root;
  while (count > 0) {
    const cpython::Frame* next = lane.pending_frames[--count];
    full = look_up(full, next, cpython::instruction_key(next));
  }
  if (full == node) return;
  fprintf(stderr, "heapscope: walk_stack: node %u, a full walk gives %u\n", node, full);
  abort();
}

}  // namespace heapscope::tracker

#include "tracker/python_walk.h"

#include <cstdio>
#include <cstdlib>

#include "tracker/python_codes.h"
#include "tracker/python_thread_names.h"

namespace heapscope::tracker {
namespace {

std::uint32_t& level_hint(LaneState& lane, const cpython::Frame* frame) noexcept {
  const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(frame) >> 3);
  return lane.frame_levels[address * 0x9E3779B1U >> 22];
}
static_assert(LaneState::kFrameEntries == 1024);

[[gnu::always_inline]] inline std::uint32_t look_up(std::uint32_t parent, const cpython::Frame* frame,
                                                    std::uintptr_t key) noexcept {
  if (cpython::transparent(frame)) return parent;
  if (const std::uint32_t node = recorder.trie().find(parent, key)) [[likely]]
    return node;
  return add_frame(parent, cpython::code_of(frame), key);
}

// What the sentinel's `frame` points to: it reads as a frame without caller that runs nothing.
constexpr std::uintptr_t kNoFrame[32] = {};

bool push_pending(LaneState& lane, std::uint32_t& count, const cpython::Frame* frame) noexcept {
  if (!lane.pending_frames.reserve(count + 1)) return false;
  lane.pending_frames[count++] = frame;
  return true;
}

[[gnu::always_inline]] inline std::uint32_t renew_level(Level& level, std::uint32_t parent) noexcept {
  const std::uintptr_t key = cpython::instruction_key(level.frame);
  if (level.parent == parent && level.link.key == key) return level.node;
  level.link.key = key;
  level.parent = parent;
  return level.node = look_up(parent, level.frame, key);
}

// Nodes of the levels from `lowest` up; of the leaf only the parent.
[[gnu::always_inline]] inline Level* renew_nodes(LaneState& lane, Level* lowest) noexcept {
  Level* const leaf = lane.leaf;
  std::uint32_t parent = lowest[-1].node;
  for (; lowest < leaf; ++lowest) parent = renew_level(*lowest, parent);
  if (leaf->parent != parent) {
    leaf->parent = parent;
    leaf->link.key = 0;
  }
  return leaf;
}

void forget_levels(LaneState& lane) noexcept {
  for (std::size_t index = 0; index < lane.levels.capacity(); ++index) lane.levels[index] = {};
  for (StackMemo& memo : lane.memo) memo = {};
  Level& sentinel = lane.levels[0];
  // Unequal to any frame, whatever the version compares.
  sentinel.frame = reinterpret_cast<const cpython::Frame*>(kNoFrame);
  sentinel.link = {reinterpret_cast<const cpython::Frame*>(1), 1};
  sentinel.node = lane.root;
  lane.leaf = &sentinel;
  lane.code_generation = state.code_generation;
}

}  // namespace

std::uint32_t root_site(LaneState& lane, Domain domain) noexcept {
  return recorder.find_site(lane.root, domain);
}

std::uint32_t find_leaf_site(LaneState& lane, std::uintptr_t key, Domain domain) noexcept {
  Level& leaf = *lane.leaf;
  if (&leaf == lane.levels.data()) return root_site(lane, domain);
  const std::uint32_t node = renew_level(leaf, leaf.parent);
  // Domains for which CPython promises the GIL.
  if (lane.depth() <= kShallowLevels && (domain == Domain::kObject || domain == Domain::kMem))
    note_python_name(lane);
  const std::uint32_t site = recorder.find_site(node, domain);
  if (domain == Domain::kMmap) return site;
  StackMemo& memo = memo_of(lane, leaf.parent, key);
  if (memo.key != key || memo.parent != leaf.parent) memo = {key, leaf.parent, node, {}};
  memo.sites[static_cast<std::size_t>(domain)] = site;
  return site;
}

// Frames were pushed and popped in any number.
static Level* walk_changed_stack(LaneState& lane, const cpython::Frame* frame) noexcept {
  Level* levels = lane.levels.data();
  auto known = static_cast<std::uint32_t>(lane.leaf - levels);  // levels 1 to `known` may still hold
  std::uint32_t pending = 0;                                    // frames that need a level, innermost first
  std::uint32_t kept = 0;  // levels that hold, but for nodes from `lowest` up
  std::uint32_t lowest = 1;
  bool room = true;
  while (room) {
    std::uint32_t found = 0;
    for (; frame != nullptr; frame = cpython::previous(frame)) {
      if (levels[known].frame == frame) {
        found = known;
        break;
      }
      if (known > 1 && levels[known - 1].frame == frame) {
        found = known - 1;
        break;
      }
      const std::uint32_t hint = level_hint(lane, frame);
      if (hint <= known && levels[hint].frame == frame) {
        found = hint;
        break;
      }
      if (!push_pending(lane, pending, frame)) room = false;
    }
    if (found == 0) break;
    std::uint32_t index = found;
    lowest = found + 1;
    for (; index > 0; --index) {
      const Level& level = levels[index];
      if (cpython::unchanged(level.frame, level.link)) continue;
      lowest = index;
      if (cpython::previous(level.frame) != level.link.previous) break;
    }
    if (index == 0) {
      kept = found;
      break;
    }
    frame = cpython::previous(levels[index].frame);
    for (std::uint32_t above = found; above >= index; --above) {
      if (!push_pending(lane, pending, levels[above].frame)) room = false;
    }
    known = index - 1;
    lowest = 1;
  }
  if (!room || !lane.levels.reserve(kept + pending + 1)) {
    ++state.superblock->unwalkable_stacks;
    return lane.leaf = levels;
  }
  levels = lane.levels.data();
  lane.leaf = levels + kept + pending;
  for (std::uint32_t index = kept + 1; pending > 0; ++index) {
    const cpython::Frame* next = lane.pending_frames[--pending];
    levels[index].frame = next;
    levels[index].link.previous = cpython::previous(next);
    level_hint(lane, next) = index;
  }
  Level* const first = levels + lowest;
  return renew_nodes(lane, first < lane.leaf ? first : lane.leaf);
}

Level* walk_moved_leaf(LaneState& lane, const cpython::Frame* frame) noexcept {
  if (lane.code_generation != state.code_generation) [[unlikely]]
    forget_levels(lane);
  Level* const sentinel = lane.levels.data();
  Level* leaf = lane.leaf;
  if (leaf == sentinel) return walk_changed_stack(lane, frame);
  const cpython::Frame* caller = cpython::previous(frame);
  Level* level = leaf;
  if (leaf->frame == caller && static_cast<std::size_t>(leaf + 1 - sentinel) < lane.levels.capacity()) {
    lane.leaf = ++leaf;
    leaf->frame = frame;
    leaf->link = {caller, 0};
    level_hint(lane, frame) = static_cast<std::uint32_t>(leaf - sentinel);
  } else if (--level; level->frame == frame && level->link.previous == caller) {
    lane.leaf = --leaf;
    --level;
  } else {
    return walk_changed_stack(lane, frame);
  }
  while (cpython::unchanged(level->frame, level->link)) --level;
  if (level > sentinel) return walk_changed_level(lane, frame, level);
  leaf->parent = leaf[-1].node;
  return leaf;
}

Level* walk_changed_level(LaneState& lane, const cpython::Frame* frame, Level* level) noexcept {
  Level* const sentinel = lane.levels.data();
  Level* lowest = level;
  do {
    if (cpython::previous(level->frame) != level->link.previous) return walk_changed_stack(lane, frame);
    lowest = level;
    do --level;
    while (cpython::unchanged(level->frame, level->link));
  } while (level > sentinel);
  return renew_nodes(lane, lowest);
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

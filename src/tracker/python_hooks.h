// CPython's own allocators: the object, mem and raw domains, and the arenas that pymalloc takes from the
// system.
//
// Each installation is a layer with the allocator it found below it as its context, so that it can be
// displaced, kept as a forwarder or installed again above another tool, in any order. Removing takes a layer
// out only where it is on top; else it stays and forwards for ever.
//
// Install and remove: with the GIL, not under the recording lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"

namespace heapscope::tracker {

// False when there were too many installations that could not be removed (64).
bool install_python_hooks() noexcept;
// Returns the domains (bit n: domain n) whose layer was no longer on top: events since it was displaced were
// not seen.
std::uint64_t remove_python_hooks() noexcept;

// In a copied process: forgets the arenas that the parent listed, in memory that is not mapped here.
void abandon_arenas() noexcept;

struct ArenaFigures {
  std::uint64_t arena_bytes;
  std::uint64_t interpreter_stack_bytes;
};
ArenaFigures arena_figures() noexcept;

// Adds up the pools of the arenas made while tracking, and what of them is resident. With the GIL. Returns the
// number of arenas. 6 us each.
std::uint32_t sum_size_classes(capture::SizeClass* classes, std::uint32_t& free_pools,
                               std::uint64_t& resident) noexcept;

}  // namespace heapscope::tracker

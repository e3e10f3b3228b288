// A finished walk on its way from _tracker to _analysis: one owns its pages, then the other does, and nothing is
// copied. The two modules share no code; what is handed over says how it is released.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapscope::heap {

struct HandedSection {
  std::uint32_t kind;  // RawSectionKind
  const void* data;
  std::size_t bytes;
};

// Behind a PyCapsule of this name. Who takes the walk sets `walk` to null and calls `release` once, from any thread,
// with the GIL or without.
inline constexpr char kHandedWalkName[] = "heapscope.heap_walk";
inline constexpr std::size_t kMostHandedSections = 20;

struct HandedWalk {
  void* walk;
  void (*release)(void* walk) noexcept;
  std::size_t section_count;
  HandedSection sections[kMostHandedSections];
};

}  // namespace heapscope::heap

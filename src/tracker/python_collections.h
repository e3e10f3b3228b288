// Collections of the cyclic garbage collector, seen through `gc.callbacks`: how often, how long the program stood still,
// how many objects were looked at and freed; and as spans and marks of the capture while one is recorded.
//
// The callback is a C function: no Python code runs, and nothing is allocated from the program's memory but what the
// collector itself makes for whoever is in that list (a dict of three figures). About 1 µs a collection, and a walk
// along the list of the objects that it will look at.
//
// GIL held.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace heapscope::tracker {

inline constexpr std::size_t kCollectedGenerations = 3;

struct SeenCollections {
  std::uint64_t collections = 0;
  std::uint64_t examined = 0;
  std::uint64_t freed = 0;
  std::uint64_t pause_ns = 0;
  std::uint64_t longest_ns = 0;
  bool examined_known = true;
};

// From zero on; of one that is watched only `young` changes: whether collections of generation 0 are spans too (many
// times a second; all of them are counted). False with an exception set.
bool watch_collections(bool young) noexcept;
// False with an exception set. Nothing where nothing is watched.
bool unwatch_collections() noexcept;
// By generation; null when not watched.
const SeenCollections* seen_collections() noexcept;

// What the collector has in generations 0 to `generation` (0 to 2), which is what a collection of that looks at. None
// where that is not known before: increments of CPython 3.14.
std::optional<std::size_t> objects_to_examine(long generation) noexcept;

}  // namespace heapscope::tracker

// The table of a heap by class, straight from the raw form: what printing a heap shows, without its graph.
//
// The rows are those of partition() by kClass of what is the program's (observer.h), to the character, for a part of
// the time and memory: nothing but bits and the places of references is kept of the objects, about 5 bytes each, for
// as long as the look lasts. O(n + m).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capture/result.h"
#include "heap/raw_reader.h"

namespace heapscope::heap {

struct ClassRow {
  std::string kind;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

// Largest first, then by kind. `directory`: where the package lies. The sections' records are aligned, as in memory.
capture::Result<std::vector<ClassRow>> look_at_classes(std::span<const RawBytes> sections,
                                                       std::string_view directory) noexcept;

}  // namespace heapscope::heap

// Reads the raw form of a heap snapshot (format.h) into a Graph: from the walker's memory, or from a file.
//
// Nothing in it is trusted; the first thing that makes no sense is the error. Sections of unknown kind are skipped.
// Where the walk gave up (`complete` is 0), references to what it did not reach become holes.
// O(n + m), by a bitmap of slots and its ranks: no table of objects. No state between calls: thread-safe.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "capture/input_file.h"
#include "capture/result.h"
#include "heap/graph.h"

namespace heapscope::heap {

struct RawBytes {
  RawSectionKind kind;
  std::string_view bytes;
};

// What a walk left in this process's memory, which is kept for as long as this is.
struct RawMemory {
  std::vector<RawBytes> sections;
  std::shared_ptr<void> memory;
};

capture::Result<Graph> read_raw(std::span<const RawBytes> sections) noexcept;
capture::Result<Graph> read_raw(const capture::InputFile& file) noexcept;

}  // namespace heapscope::heap

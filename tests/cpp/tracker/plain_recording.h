// The hooks' door to the recorder (tracker/recording.h) without CPython behind it: a list of live blocks and
// of charged mappings, for tests of the hooks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "tracker/recording.h"

namespace heapscope::tracker::plain_recording {

struct Figures {
  std::map<const void*, std::size_t> blocks;  // address -> bytes
  std::int64_t mapped_bytes = 0;
  std::int64_t mapped_blocks = 0;
  std::size_t failed_reallocations = 0;
  std::size_t frees_of_unknown = 0;
};

// Hooks record while one of these lives, into `figures`: those that are called by name and, unless a
// sanitizer is linked in, those that other libraries' slots reach.
class Tracking {
 public:
  Tracking();
  ~Tracking();
  Tracking(const Tracking&) = delete;
  Tracking& operator=(const Tracking&) = delete;

  // Bytes recorded for the block at `address`; -1 when none is.
  static std::ptrdiff_t bytes_of(const void* address);
};

extern Figures figures;

}  // namespace heapscope::tracker::plain_recording

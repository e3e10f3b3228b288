// "What was allocated between t1 and t2, what of it was freed again and what is still live at t2, by stack?",
// from the change log.
//
// The log knows whole ticks: a range is widened to the ticks that it touches, and the answer says to what.
// O(log + sites log sites).
#pragma once

#include <cstdint>
#include <vector>

#include "capture/model.h"

namespace heapscope::analysis {

struct RangeRow {
  std::uint32_t site = 0;
  std::uint64_t live_bytes = 0;  // born in the range and live at its end
  std::uint64_t live_blocks = 0;
  std::uint64_t allocated_bytes = 0;  // in the range, live or not
  std::uint64_t allocations = 0;
  std::uint64_t freed_bytes = 0;  // of these, freed inside the range
  std::uint64_t frees = 0;
};

struct TimeRange {
  double from_s = 0;  // what was answered: the bounds of ticks
  double to_s = 0;
  RangeRow total;
  std::vector<RangeRow> rows;  // most live bytes first
};

// Times are seconds from the start; bounds outside of the recording are brought inside.
TimeRange make_time_range(const capture::Capture& capture, double from_s, double to_s);

}  // namespace heapscope::analysis

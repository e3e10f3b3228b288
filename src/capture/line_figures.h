// The line profile of a capture, for the model: functions with their lines, and what was per call.
//
// Made from the live form's records by assemble_lines, which trusts none of them: what names no function, has a
// line of no number or figures that cannot be is left out and counted. O(n log n) in the records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "capture/format.h"

namespace heapscope::capture {

// One figure of the calls that ended; meaningless where none did.
struct PerCall {
  std::int64_t least = 0;
  std::int64_t median = 0;
  std::int64_t most = 0;
  bool exact = true;  // else the median is the middle of a bucket, see LineValue
  friend bool operator==(const PerCall&, const PerCall&) = default;
};

// As in format.h's Line. The increment is allocated_bytes - freed_bytes.
struct ProfiledLine {
  std::uint32_t line = 0;
  std::uint64_t occurrences = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t freed_bytes = 0;
  std::uint64_t allocations = 0;
  std::int64_t peak_bytes = 0;
  std::uint64_t rss_bytes = 0;  // 0: unknown
  std::int64_t increment_bytes() const noexcept {
    return static_cast<std::int64_t>(allocated_bytes - freed_bytes);
  }
  friend bool operator==(const ProfiledLine&, const ProfiledLine&) = default;
};

struct ProfiledFunction {
  std::uint32_t code = 0;  // of the model's code objects
  std::uint64_t calls = 0;
  std::uint64_t calls_ended = 0;
  std::int64_t peak_bytes = 0;
  PerCall peaks;
  PerCall nets;
  std::vector<ProfiledLine> lines;  // by number, each once

  std::int64_t net_bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const ProfiledLine& line : lines) sum += line.allocated_bytes - line.freed_bytes;
    return static_cast<std::int64_t>(sum);
  }
  friend bool operator==(const ProfiledFunction&, const ProfiledFunction&) = default;
};

// Sound enough to be shown: a file may say anything.
bool is_possible(const ProfiledLine& line) noexcept;
bool is_possible(const ProfiledFunction& function) noexcept;

// Records by their ids; record 0 of each is unused.
struct RawLineProfile {
  std::vector<LineFunction> functions;
  std::vector<Line> lines;
  std::vector<LineValue> values;
};

// Functions that ran, in the order in which they were first seen; `code` is still the record's. `bad` counts
// records that were left out.
std::vector<ProfiledFunction> assemble_lines(const RawLineProfile& raw, std::size_t& bad);

}  // namespace heapscope::capture

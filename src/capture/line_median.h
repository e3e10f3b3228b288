// The median of a line profile's figures per call, from how often each value came.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace heapscope::capture {

struct ValueCount {
  std::int64_t value;
  std::uint64_t count;
  bool exact;
};

// Of n calls the figure of the call at (n - 1) / 2 in their order: always a value that a call had, where it is
// exact. Sorts `values`. count 0: there were no calls. O(n log n).
inline ValueCount median_of(ValueCount* values, std::size_t count) noexcept {
  std::sort(values, values + count,
            [](const ValueCount& a, const ValueCount& b) { return a.value < b.value; });
  std::uint64_t calls = 0;
  for (std::size_t index = 0; index < count; ++index) calls += values[index].count;
  std::uint64_t before = 0;
  for (std::size_t index = 0; index < count; ++index) {
    if (values[index].count == 0) continue;
    before += values[index].count;
    if (before > (calls - 1) / 2) return {values[index].value, calls, values[index].exact};
  }
  return {0, 0, true};
}

}  // namespace heapscope::capture

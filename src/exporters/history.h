// A capture over time, for formats with a time axis: one point at the end of each tick, and for RSS where it was
// sampled in between.
//
// Times are nanoseconds since the start and never decrease; ticks that were never written or go back in time
// are left out. O(ticks + log).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/metric.h"
#include "capture/model.h"

namespace heapscope::exporters {

struct Point {
  std::uint64_t time_ns = 0;
  std::uint64_t value = 0;
};

struct Series {
  std::string_view name;
  std::string_view unit;  // "bytes" or ""
  std::vector<Point> points;
};

// Heap, RSS, PSS, Python objects and more; series of which nothing is known are left out. The heap begins at 0
// and ends with what was live when tracking stopped.
std::vector<Series> make_series(const capture::Capture& capture);

// What each domain had, at the same points as the heap.
struct DomainPoint {
  std::uint64_t time_ns = 0;
  std::array<std::uint64_t, capture::kDomains> bytes{};
};
std::vector<DomainPoint> make_domain_history(const capture::Capture& capture);

// A part of a site's value, and when it came to be: allocations when they were made, what is live at the end
// when it was made. The peak's bytes are all at the peak; of temporary ones the time is not known and the end
// stands for it. Parts of a site sum to its value in the metric; in order of time.
struct TimedValue {
  std::uint64_t time_ns = 0;
  std::uint64_t value = 0;
  std::uint32_t site = 0;
};
std::vector<TimedValue> make_timed_values(const capture::Capture& capture, analysis::Metric metric);

// Nanoseconds from the start of tracking to its end.
std::uint64_t duration_ns(const capture::Capture& capture) noexcept;

}  // namespace heapscope::exporters

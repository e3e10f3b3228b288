// A capture in a few figures. Bytes and blocks are sums over its sites; times are seconds. O(sites + ticks).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "capture/model.h"

namespace heapscope::analysis {

struct Summary {
  capture::Figures total;
  std::array<capture::Figures, capture::kDomains> domains{};
  std::uint64_t peak_rss_bytes = capture::kUnknown;  // highest sampled, or by the kernel's account
  std::uint64_t threads = 0;                         // how many were seen
  double duration_s = 0;
  double peak_at_s = 0;    // after the start
  double tick_s = 0;       // nominal length of an interval, 0 when there was none
  std::string started_at;  // ISO 8601, UTC

  std::uint64_t python_peak_bytes() const noexcept;  // domains object, mem and raw
  std::uint64_t native_peak_bytes() const noexcept;  // domains malloc and mmap
};

Summary summarize(const capture::Capture& capture);

// Seconds from the start of tracking to a time of the capture's clock; 0 for times before it.
double seconds_from_start(const capture::Capture& capture, std::uint64_t time_ns) noexcept;

}  // namespace heapscope::analysis

// The five figures a report can be ordered by.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "capture/model.h"

namespace heapscope::analysis {

enum class Metric : std::uint8_t { kPeak, kLive, kAllocated, kTemporary, kCount };

// Bytes and blocks of one metric; of kCount the allocations and what they asked for.
struct Amount {
  std::uint64_t bytes = 0;
  std::uint64_t blocks = 0;
  Amount& operator+=(const Amount& other) noexcept {
    bytes += other.bytes;
    blocks += other.blocks;
    return *this;
  }
};

inline Amount amount_of(const capture::Figures& figures, Metric metric) noexcept {
  switch (metric) {
    case Metric::kPeak:
      return {figures.peak_bytes, figures.peak_blocks};
    case Metric::kLive:
      return {figures.live_bytes, figures.live_blocks};
    case Metric::kTemporary:
      return {figures.temporary_bytes, figures.temporary_allocations};
    case Metric::kAllocated:
    case Metric::kCount:
      break;
  }
  return {figures.allocated_bytes, figures.allocations};
}

// What rows are ordered and cut by: allocations for kCount, else bytes.
inline std::uint64_t rank_of(const Amount& amount, Metric metric) noexcept {
  return metric == Metric::kCount ? amount.blocks : amount.bytes;
}

inline std::optional<Metric> metric_from(std::string_view name) noexcept {
  if (name == "peak") return Metric::kPeak;
  if (name == "live") return Metric::kLive;
  if (name == "allocated") return Metric::kAllocated;
  if (name == "temporary") return Metric::kTemporary;
  if (name == "count") return Metric::kCount;
  return std::nullopt;
}

}  // namespace heapscope::analysis

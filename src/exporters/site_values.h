// What the exporters ask of sites: their value in a metric, and what a metric is called.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/metric.h"
#include "capture/model.h"

namespace heapscope::exporters {

// What a site weighs: allocations for kCount, else bytes.
inline std::uint64_t value_of(const capture::Site& site, analysis::Metric metric) noexcept {
  return analysis::rank_of(analysis::amount_of(site.figures, metric), metric);
}

inline std::vector<std::uint64_t> site_values(const capture::Capture& capture, analysis::Metric metric) {
  std::vector<std::uint64_t> values;
  values.reserve(capture.sites.size());
  for (const capture::Site& site : capture.sites) values.push_back(value_of(site, metric));
  return values;
}

inline constexpr analysis::Metric kMetrics[] = {analysis::Metric::kPeak, analysis::Metric::kLive,
                                                analysis::Metric::kAllocated, analysis::Metric::kTemporary,
                                                analysis::Metric::kCount};

inline std::string_view title_of(analysis::Metric metric) noexcept {
  switch (metric) {
    case analysis::Metric::kPeak:
      return "bytes at the peak";
    case analysis::Metric::kLive:
      return "bytes live at the end";
    case analysis::Metric::kAllocated:
      return "bytes allocated";
    case analysis::Metric::kTemporary:
      return "temporary bytes";
    case analysis::Metric::kCount:
      break;
  }
  return "allocations";
}

}  // namespace heapscope::exporters

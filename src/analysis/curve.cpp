#include "analysis/curve.h"

#include <algorithm>

#include "analysis/summary.h"

namespace heapscope::analysis {

TimeAxis::TimeAxis(const capture::Capture& capture) : bounds_{0.0} {
  const auto add = [&](std::uint64_t end_ns) {
    bounds_.push_back(std::max(bounds_.back(), seconds_from_start(capture, end_ns)));
  };
  for (const capture::Tick& tick : capture.ticks) add(tick.end_ns);
  if (capture.ticks.empty() || seconds_from_start(capture, capture.counters.end_ns) > bounds_.back()) {
    add(capture.counters.end_ns);
  }
  const double least_s = static_cast<double>(capture.counters.tick_ns) / 1e9 / 2;
  while (intervals() > 1 && bounds_.back() - bounds_[intervals() - 1] < least_s) {
    bounds_[intervals() - 1] = bounds_.back();
    bounds_.pop_back();
  }
}

CurveMaker::CurveMaker(const capture::Capture& capture)
    : capture_(capture), axis_(capture), begin_(capture.sites.size() + 1, capture.tick_log.size()) {
  for (std::size_t at = capture.tick_log.size(); at-- > 0;) {
    const std::uint32_t site = capture.tick_log[at].site;
    if (site < capture.sites.size()) begin_[site] = at;
  }
  for (std::size_t site = capture.sites.size(); site-- > 0;) {
    begin_[site] = std::min(begin_[site], begin_[site + 1]);
  }
}

const Curve& CurveMaker::make(std::span<const std::uint32_t> sites) {
  const std::size_t intervals = axis_.intervals();
  curve_.live_bytes.assign(intervals + 1, 0);
  curve_.live_blocks.assign(intervals + 1, 0);
  curve_.kept_bytes.assign(intervals, 0);
  curve_.kept_blocks.assign(intervals, 0);
  curve_.allocations.assign(intervals, 0);
  for (const std::uint32_t site : sites) {
    for (std::size_t at = begin_[site]; at < begin_[site + std::size_t{1}]; ++at) {
      const capture::TickDelta& delta = capture_.tick_log[at];
      const std::size_t interval = axis_.interval_of(delta.tick);
      const std::size_t born = axis_.interval_of(delta.born);
      curve_.live_bytes[interval + 1] += static_cast<double>(delta.live_bytes);
      curve_.live_blocks[interval + 1] += static_cast<double>(delta.live_blocks);
      curve_.kept_bytes[born] += static_cast<double>(delta.live_bytes);
      curve_.kept_blocks[born] += static_cast<double>(delta.live_blocks);
      curve_.allocations[interval] += static_cast<double>(delta.allocated_blocks);
    }
  }
  for (std::vector<double>* live : {&curve_.live_bytes, &curve_.live_blocks}) {
    double sum = 0;
    for (double& value : *live) {
      sum += value;
      value = std::max(sum, 0.0);
    }
  }
  for (std::vector<double>* kept : {&curve_.kept_bytes, &curve_.kept_blocks}) {
    for (double& value : *kept) value = std::max(value, 0.0);
  }
  return curve_;
}

}  // namespace heapscope::analysis

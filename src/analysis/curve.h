// What became of a group of sites over time: their bytes at each moment, and what of each interval's births
// is left. From the change log.
//
// Time is cut into intervals, the capture's ticks and the one that had not ended: between 1 and 1,025. What the
// end of the run cut short, to less than half of a tick, belongs to the interval before.
// CurveMaker: O(log) once, then O(changes + intervals) a curve. Not for several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "capture/model.h"

namespace heapscope::analysis {

class TimeAxis {
 public:
  explicit TimeAxis(const capture::Capture& capture);

  std::size_t intervals() const noexcept { return bounds_.size() - 1; }
  // Seconds from the start: interval i lies between bounds i and i + 1. Never falling, the first is 0.
  double bound(std::size_t index) const noexcept { return bounds_[index]; }
  // What happened in a tick past the last interval happened at its end.
  std::size_t interval_of(std::uint32_t tick) const noexcept {
    return tick < intervals() ? tick : intervals() - 1;
  }

 private:
  std::vector<double> bounds_;
};

struct Curve {
  std::vector<double> live_bytes;  // at each bound: one more than intervals, 0 first, never negative
  std::vector<double> live_blocks;
  std::vector<double> kept_bytes;  // of each interval: born in it and live at the end
  std::vector<double> kept_blocks;
  std::vector<double> allocations;  // in each interval
};

class CurveMaker {
 public:
  explicit CurveMaker(const capture::Capture& capture);

  const TimeAxis& axis() const noexcept { return axis_; }
  // Valid until the next call.
  const Curve& make(std::span<const std::uint32_t> sites);

 private:
  const capture::Capture& capture_;
  TimeAxis axis_;
  std::vector<std::size_t> begin_;  // of each site: its part of the log
  Curve curve_;
};

}  // namespace heapscope::analysis

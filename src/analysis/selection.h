// A part of a capture as a capture: a range of time, one thread, stacks that pass a place.
//
// Every other question can then be asked of the part. Ids stay the same; sites outside have no figures.
// With a range the figures mean:
//   peak       live at the range's highest moment: at the run's peak where that lies in the range, else at the
//              end of the range's tick that ended highest
//   live       allocated in the range and live at its end
//   allocated  allocated in the range
//   temporary  allocated in the range and freed before its end
//   largest    of the whole run
// The log knows whole ticks: a range is widened to those that it touches, as in time_range.h. O(capture + log).
#pragma once

#include <optional>
#include <string>

#include "capture/model.h"

namespace heapscope::analysis {

struct Range {
  double from_s = 0;
  double to_s = 0;
};

struct Selection {
  std::optional<Range> range;
  std::optional<std::string> thread;  // its name
  std::string through;                // search.h; empty: all stacks
};

struct Selected {
  capture::Capture capture;    // without tick_log
  std::optional<Range> range;  // what was answered
  double peak_at_s = 0;        // when `peak` was
};

Selected select(const capture::Capture& whole, const Selection& selection);

}  // namespace heapscope::analysis

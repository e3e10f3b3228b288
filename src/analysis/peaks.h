// The highest peaks of the heap over time, not only the highest one.
//
// Two peaks are two where the heap fell between them by a share `fall` of the lower one: with 0.1, 100 MiB and
// 80 MiB are two peaks if it was at 72 MiB or less in between. The highest of the run is always among them.
//
// Ticks know the highest heap within them and the heap at their ends; a fall inside of a tick is not seen.
// When in its tick a peak was is known for the highest of the run alone: others are placed at the tick's end.
// What was live at one, by site, is known at the ends of ticks, so each peak names the nearer end (in bytes)
// of its tick: time_range.h answers for it. O(ticks + peaks log peaks).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "capture/model.h"

namespace heapscope::analysis {

struct Peak {
  double at_s = 0;  // seconds from the start
  std::uint64_t bytes = 0;
  double known_at_s = 0;  // an end of its tick: the sites of this moment are known
  std::uint64_t known_bytes = 0;
};

// The `most` highest, highest first; 0: all. `fall` is above 0 and at most 1.
std::vector<Peak> find_peaks(const capture::Capture& capture, std::size_t most, double fall);

}  // namespace heapscope::analysis

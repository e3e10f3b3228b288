// Marks and spans of a file, checked: what both readers do with them. Linear but for one sort.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "capture/format.h"
#include "capture/model.h"

namespace heapscope::capture {

// The records of a live file, in the order in which they began. One that is being replaced is left out; those
// whose kind or label cannot be are counted in `invalid`.
std::vector<NamedEvent> named_events(std::span<Event> records, std::size_t& invalid);

// Makes those that a run can have the capture's, whose counters and threads are there; returns how many it
// cannot have. Of a run that goes on, or that was killed, one may be newer than the end that was read.
std::size_t keep_valid_events(std::vector<NamedEvent>& events, Capture& capture);

}  // namespace heapscope::capture

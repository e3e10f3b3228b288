// The change log of a capture: put in order, and completed where the end of a run is missing from it.
//
// The tracker logs at the ends of ticks, so a killed program's last changes are in its sites alone. What the
// sites have and the log has not is put into the tick that had not ended: growth as born in it, shrinkage
// as frees of the youngest blocks (which blocks they were nobody knows). After that the log's sums are the
// sites' live and allocated figures. O(log log log).
#pragma once

#include <vector>

#include "capture/model.h"

namespace heapscope::capture {

// Sorts by (site, tick, born), adds up entries with equal keys and drops those that come to nothing.
void merge_changes(std::vector<TickDelta>& log);

// Wants a merged log; leaves one.
void complete_changes(Capture& capture);

}  // namespace heapscope::capture

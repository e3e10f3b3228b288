// What the process as a whole uses, at the end of a tick: resident memory, pymalloc's arenas and their
// occupancy, malloc's own statistics, mappings.
//
// Parts that can take long (mallinfo2 counts free chunks, occupancy reads each pool, mincore asks for each page)
// are measured as they are read, and left out until 100 times their cost has passed; left out means kUnknown,
// or size classes of zero. A tick costs about 15 us.
#pragma once

#include "capture/format.h"

namespace heapscope::tracker {

// Fills all but what the recorder knows. Not under the recording lock; thread.busy is kForwarding. Opens and
// closes /proc/self/statm.
void collect_ledger(capture::Tick& tick, bool holds_gil) noexcept;
void release_ledger() noexcept;

}  // namespace heapscope::tracker

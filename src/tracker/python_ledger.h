// What the process as a whole uses, at the end of a tick: resident memory by kind, pymalloc's arenas and their
// occupancy, malloc's own statistics, mappings, live bytes by domain.
//
// Parts that can take long (smaps looks at each page, mallinfo2 counts free chunks, occupancy reads each pool,
// mincore asks for each page) are measured as they are read, and left out until 200 times their cost has passed
// or the heap is an eighth higher than it ever was when they were read; left out means kUnknown, or size classes of zero. Of
// smaps the last reading is told again, with its age. A tick costs about 15 us. At the end of the run all is read.
#pragma once

#include "capture/format.h"

namespace heapscope::tracker {

// Before the first event, with the GIL: finds the arenas there are, and fills the ledger of the start. 1 ms.
void open_ledger(capture::Tick& tick) noexcept;

// Fills all but what the recorder knows. Not under the recording lock; thread.busy is kForwarding. Opens and
// closes files of /proc/self.
void collect_ledger(capture::Tick& tick, bool holds_gil, bool at_end = false) noexcept;
// Fills domain_live_bytes. Under the recording lock; 1 ns a site.
void collect_domains(capture::Tick& tick, bool at_end = false) noexcept;

void release_ledger() noexcept;
// In a copied process.
void abandon_ledger() noexcept;

}  // namespace heapscope::tracker

// What the whole process allocated and freed since a moment, and how high its live bytes stood above it.
//
// The process-wide sibling of MeterScope. It costs events nothing: the recorder keeps the highest live bytes of
// the current tick anyway, and that maximum is folded into every open scope before it is reset, when a tick
// ends or a scope begins or is read. So the peak is exact, whatever threads do meanwhile.
//
// Begin, read and end take the recording lock and are O(sites), because what was ever allocated is the sum of
// the sites' totals. A scope stays where it is until it is ended. It belongs to one run: when tracking was
// stopped, or in a child made by fork, it cannot be read any more. Any thread; no allocation, noexcept.
#pragma once

#include "tracker/meter.h"

namespace heapscope::tracker {

struct HeapScope {
  Movement start;
  std::int64_t high;  // highest net of the process since the start, as far as it was folded
  std::uint32_t run;
  HeapScope* next;
};

// False where this process is not tracked, or not in the run in which the scope began.
bool begin_heap_scope(HeapScope& scope) noexcept;
bool read_heap_scope(HeapScope& scope, MeterReading& reading) noexcept;
bool end_heap_scope(HeapScope& scope, MeterReading& reading) noexcept;

// Recording lock held. The maximum of the current tick goes to the open scopes and begins anew at what is live
// now; until the tick ends state.tick_floor_bytes has the tick's own.
void fold_heap_scopes() noexcept;

}  // namespace heapscope::tracker

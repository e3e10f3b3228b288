// Whether columns make a graph: every number in them leads somewhere, what ascends ascends. O(n + m).
#pragma once

#include "heap/graph.h"

namespace heapscope::heap {

// Throws Damaged with the first thing that does not fit.
void check_columns(const GraphColumns& columns);

}  // namespace heapscope::heap

// What a program is, and not what it works on: classes and modules with their namespaces, and code. Functions and
// frames are none: they hold instances, in cells, defaults and variables.
#pragma once

#include <vector>

#include "heap/graph.h"
#include "heap/kinds.h"

namespace heapscope::heap {

// By object. O(n).
std::vector<bool> program_code(const Graph& graph, const Kinds& kinds);

}  // namespace heapscope::heap

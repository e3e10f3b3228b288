// What would still be held if some roots were gone: the frames of threads, when all functions had returned.
// Python objects and native blocks; objects held by C, immortal or named by other roots hold what they did. O(n + m).
#pragma once

#include "heap/graph.h"
#include "heap/object_set.h"
#include "heap/root_set.h"

namespace heapscope::heap {

ObjectSet held_without(const Graph& graph, const RootSet& roots, RootKind kind);

}  // namespace heapscope::heap

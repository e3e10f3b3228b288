// A heap without what its observer needs: belonging.h over a Graph.
#pragma once

#include <string_view>

#include "heap/graph.h"
#include "heap/object_set.h"

namespace heapscope::heap {

struct HeapParts {
  ObjectSet program;   // what is held, less the observer's; native blocks are among them
  ObjectSet observer;  // heapscope's modules, frames and objects, and what only they hold
};

// `directory`: where the package lies. O(n + m), a byte an object.
HeapParts divide_from_observer(const Graph& graph, std::string_view directory);

}  // namespace heapscope::heap

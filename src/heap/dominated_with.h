// What freeing some objects would free if C code held nothing of what they lead to: the observer's own part of a
// heap, of which running calls hold functions and types for the moment.
#pragma once

#include "heap/graph.h"
#include "heap/object_set.h"
#include "heap/path_tree.h"
#include "heap/root_set.h"

namespace heapscope::heap {

// As retained_set; roots that only C holds count as freed where the best path to them leads through `objects`.
ObjectSet dominated_with_c(const Graph& graph, const RootSet& roots, const PathTree& tree,
                           const ObjectSet& objects);

}  // namespace heapscope::heap

// Who holds whom alone: the dominator tree of a graph from all its roots, and the retained size of every object.
//
// The tree hangs under id 0, which stands for "held by several roots, or itself a root". An object that no root
// reaches hangs there too, as the head of its garbage. Semi-NCA (Georgiadis, 2005): O(m log n) at worst, linear in
// practice, no recursion. Retained sizes add up: those of the children of 0 sum to the size of everything.
#pragma once

#include <cstdint>
#include <vector>

#include "heap/graph.h"
#include "heap/root_set.h"

namespace heapscope::heap {

struct Dominators {
  std::vector<ObjectId> parent;         // immediate dominator by object; 0: none but the roots as a whole
  std::vector<std::uint64_t> retained;  // bytes by object, its own included; [0]: of everything
};

// `roots` of the same graph, found without the same references. Peak memory: see benchmarks/heap; the result keeps
// 12 bytes an object.
Dominators find_dominators(const Graph& graph, const RootSet& roots, const ExcludedReferences& without = {});

}  // namespace heapscope::heap

// The part of a dominator tree that a treemap can show: the nodes that retain most, each with what it has beside those
// of its children that are shown, so that the parts of a node sum to what it retains.
#pragma once

#include <cstdint>
#include <vector>

#include "heap/dominator_tree.h"
#include "heap/graph.h"

namespace heapscope::heap {

struct ViewNode {
  ObjectId object = 0;  // 0: the whole
  std::uint64_t retained_bytes = 0;
  std::uint64_t shallow_bytes = 0;
  std::vector<std::uint32_t> children;  // in the list of nodes; most retained first
  std::uint64_t rest_count = 0;         // children that are not shown
  std::uint64_t rest_bytes = 0;  // shallow_bytes + those of the children shown + rest_bytes = retained_bytes
};

struct ViewLimits {
  std::uint64_t min_bytes = 1;  // what a node retains at least
  std::size_t max_nodes = 1000;
  std::size_t max_depth = 50;
};

// [0] is the top; parents come before their children. O(children of the nodes shown * log).
std::vector<ViewNode> view_dominators(const Graph& graph, const Dominators& dominators,
                                      const DominatorTree& tree, ObjectId top, const ViewLimits& limits);

}  // namespace heapscope::heap

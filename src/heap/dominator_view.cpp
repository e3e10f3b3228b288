#include "heap/dominator_view.h"

#include <queue>
#include <tuple>

namespace heapscope::heap {
namespace {

// Waits to be shown; the one that retains most comes first, of equal ones the lower id.
struct Candidate {
  std::uint64_t retained;
  ObjectId object;
  std::uint32_t parent;  // in the list of nodes
  std::size_t depth;

  friend bool operator<(const Candidate& a, const Candidate& b) noexcept {
    return std::tuple(a.retained, b.object) < std::tuple(b.retained, a.object);
  }
};

}  // namespace

std::vector<ViewNode> view_dominators(const Graph& graph, const Dominators& dominators,
                                      const DominatorTree& tree, ObjectId top, const ViewLimits& limits) {
  std::vector<ViewNode> nodes;
  std::priority_queue<Candidate> candidates;
  const auto show = [&](ObjectId object, std::size_t depth) {
    ViewNode node;
    node.object = object;
    node.retained_bytes = dominators.retained[object];
    node.shallow_bytes = object == 0 ? 0 : graph.size(object);
    node.rest_count = tree.children(object).size();
    node.rest_bytes = node.retained_bytes - node.shallow_bytes;
    nodes.push_back(node);
    if (depth == limits.max_depth) return;
    const auto index = static_cast<std::uint32_t>(nodes.size() - 1);
    for (const ObjectId child : tree.children(object)) {
      if (dominators.retained[child] >= limits.min_bytes)
        candidates.push({dominators.retained[child], child, index, depth + 1});
    }
  };
  show(top, 0);
  while (!candidates.empty() && nodes.size() < limits.max_nodes) {
    const Candidate next = candidates.top();
    candidates.pop();
    ViewNode& parent = nodes[next.parent];
    parent.children.push_back(static_cast<std::uint32_t>(nodes.size()));
    --parent.rest_count;
    parent.rest_bytes -= next.retained;
    show(next.object, next.depth);
  }
  return nodes;
}

}  // namespace heapscope::heap

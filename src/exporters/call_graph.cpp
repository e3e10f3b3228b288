#include "exporters/call_graph.h"

#include "capture/id_index.h"
#include "exporters/site_values.h"

namespace heapscope::exporters {

CallGraph make_call_graph(const capture::Capture& capture, analysis::Metric metric) {
  const CallTree tree = make_call_tree(capture, MergeBy::kFunction);
  const std::vector<std::uint64_t> values = site_values(capture, metric);
  const std::vector<std::uint64_t> own = node_sums(tree, values, false);
  const std::vector<std::uint64_t> inclusive = node_sums(tree, values, true);
  CallGraph graph;
  graph.total = inclusive[0];
  for (const CallFrame& frame : tree.frames) graph.functions.push_back({frame, 0, 0});

  capture::IdIndex index(tree.frames.size());
  const auto edge_of = [&](std::uint32_t caller, std::uint32_t callee) {
    return index.find_or_make(
        capture::hash_words((std::uint64_t{caller} << 32) | callee),
        [&](std::uint32_t id) {
          return graph.edges[id].caller == caller && graph.edges[id].callee == callee;
        },
        [&] {
          graph.edges.push_back({caller, callee, 0});
          return static_cast<std::uint32_t>(graph.edges.size() - 1);
        });
  };
  // How often each is on the stack that is being walked; of each node its edge.
  std::vector<std::uint32_t> functions_on_stack(tree.frames.size(), 0);
  std::vector<std::uint32_t> edges_on_stack;
  std::vector<std::uint32_t> edge_of_node(tree.nodes.size(), kNoNode);
  walk(
      tree,
      [&](std::uint32_t node) {
        if (inclusive[node] == 0) return false;
        const std::uint32_t frame = tree.nodes[node].frame;
        graph.functions[frame].own += own[node];
        if (functions_on_stack[frame]++ == 0) graph.functions[frame].inclusive += inclusive[node];
        if (tree.nodes[node].parent == 0) return true;
        const std::uint32_t edge = edge_of(tree.nodes[tree.nodes[node].parent].frame, frame);
        edges_on_stack.resize(graph.edges.size(), 0);
        edge_of_node[node] = edge;
        if (edges_on_stack[edge]++ == 0) graph.edges[edge].inclusive += inclusive[node];
        return true;
      },
      [&](std::uint32_t node) {
        --functions_on_stack[tree.nodes[node].frame];
        if (edge_of_node[node] != kNoNode) --edges_on_stack[edge_of_node[node]];
      });
  return graph;
}

}  // namespace heapscope::exporters

#include "analysis/tree.h"

#include "analysis/call_tree.h"

namespace heapscope::analysis {

Tree make_tree(const capture::Capture& capture, Metric metric, double threshold, bool inverted,
               bool without_imports) {
  CallTree calls(capture, metric, inverted, without_imports);
  Tree tree;
  tree.metric = metric;
  std::vector<std::uint32_t> shown;  // call of each tree node
  const auto add = [&](std::uint32_t id) {
    const Call& call = calls.call(id);
    shown.push_back(id);
    tree.nodes.push_back({call.function, call.file, call.line, call.amount, call.self, {}, 0, {}});
  };
  add(CallTree::kRoot);
  const double least = threshold * static_cast<double>(rank_of(tree.nodes[0].amount, metric));
  for (std::uint32_t at = 0; at < tree.nodes.size(); ++at) {
    for (const std::uint32_t id : calls.children(shown[at])) {
      const Amount& amount = calls.call(id).amount;
      if (static_cast<double>(rank_of(amount, metric)) >= least) {
        tree.nodes[at].children.push_back(static_cast<std::uint32_t>(tree.nodes.size()));
        add(id);
      } else {
        ++tree.nodes[at].hidden_rows;
        tree.nodes[at].hidden += amount;
      }
    }
  }
  return tree;
}

}  // namespace heapscope::analysis

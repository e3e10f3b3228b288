#include "exporters/call_tree.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "analysis/history.h"
#include "capture/live_file.h"
#include "capture/scratch_file.h"
#include "exporters/call_graph.h"
#include "exporters/site_values.h"

namespace heapscope::tests {
namespace {

using analysis::Metric;
using exporters::CallTree;
using exporters::make_call_tree;
using exporters::MergeBy;

using Place = std::tuple<std::string, std::string, std::uint32_t>;
using Stack = std::vector<Place>;

Place place_of(const capture::Capture& capture, const exporters::CallFrame& frame) {
  return {capture.strings[frame.function], capture.strings[frame.file], frame.line};
}

Stack stack_of(const capture::Capture& capture, const CallTree& tree, std::uint32_t node) {
  Stack stack;
  for (; node != 0; node = tree.nodes[node].parent) {
    stack.insert(stack.begin(), place_of(capture, tree.frames[tree.nodes[node].frame]));
  }
  return stack;
}

// The stack of a site, the slow way.
Stack plain_stack(const capture::Capture& capture, std::uint32_t node, MergeBy by) {
  Stack stack;
  do {
    const capture::Frame& frame = capture.frames[capture.nodes[node].frame];
    const capture::CodeObject& code = capture.codes[frame.code];
    Place place{capture.strings[code.qualified_name], capture.strings[code.file],
                by == MergeBy::kLine ? frame.line : code.first_line};
    // Direct recursion is one frame, where functions are merged.
    if (by == MergeBy::kLine || stack.empty() || stack.front() != place) stack.insert(stack.begin(), place);
    node = capture.nodes[node].parent;
  } while (node != capture::kRootNode && capture.nodes[node].frame != capture::kLaneFrame);
  return stack;
}

class CallTrees : public testing::TestWithParam<std::uint32_t> {
 protected:
  History history{GetParam(), 1500};
  capture::Capture capture = std::move(open_bytes(history.file.bytes()).value());
};
INSTANTIATE_TEST_SUITE_P(Random, CallTrees, testing::Range(0U, 12U));

TEST_P(CallTrees, every_site_stands_at_its_own_stack) {
  for (const MergeBy by : {MergeBy::kLine, MergeBy::kFunction}) {
    const CallTree tree = make_call_tree(capture, by);
    for (std::size_t site = 0; site < capture.sites.size(); ++site) {
      EXPECT_EQ(stack_of(capture, tree, tree.site_node[site]),
                plain_stack(capture, capture.sites[site].node, by));
    }
    std::set<Stack> stacks;
    for (std::uint32_t node = 0; node < tree.nodes.size(); ++node) {
      EXPECT_TRUE(stacks.insert(stack_of(capture, tree, node)).second) << "a stack has two nodes";
      if (node != 0) {
        EXPECT_LT(tree.nodes[node].parent, node);
      }
    }
  }
}

TEST_P(CallTrees, a_walk_enters_and_leaves_each_node_once_between_its_parents) {
  const CallTree tree = make_call_tree(capture, MergeBy::kLine);
  std::vector<std::uint32_t> open = {0};
  std::set<std::uint32_t> seen;
  exporters::walk(
      tree,
      [&](std::uint32_t node) {
        EXPECT_EQ(tree.nodes[node].parent, open.back());
        EXPECT_TRUE(seen.insert(node).second);
        open.push_back(node);
        return true;
      },
      [&](std::uint32_t node) {
        EXPECT_EQ(open.back(), node);
        open.pop_back();
      });
  EXPECT_EQ(open.size(), 1U);
  EXPECT_EQ(seen.size(), tree.nodes.size() - 1);
}

TEST_P(CallTrees, a_walk_does_not_enter_what_it_was_told_to_leave_out) {
  const CallTree tree = make_call_tree(capture, MergeBy::kLine);
  std::set<std::uint32_t> entered;
  exporters::walk(
      tree,
      [&](std::uint32_t node) {
        const std::uint32_t parent = tree.nodes[node].parent;
        EXPECT_TRUE(parent == 0 || entered.count(parent) == 1);
        if (node % 3 == 0) return false;
        entered.insert(node);
        return true;
      },
      [&](std::uint32_t node) { EXPECT_EQ(entered.count(node), 1U); });
}

TEST_P(CallTrees, a_call_graph_counts_each_stack_once_for_each_function_and_edge_on_it) {
  for (const Metric metric : exporters::kMetrics) {
    std::map<Place, std::uint64_t> own;
    std::map<Place, std::uint64_t> inclusive;
    std::map<std::pair<Place, Place>, std::uint64_t> edges;
    std::uint64_t total = 0;
    for (const capture::Site& site : capture.sites) {
      const std::uint64_t value = exporters::value_of(site, metric);
      if (value == 0) continue;
      const Stack stack = plain_stack(capture, site.node, MergeBy::kFunction);
      total += value;
      own[stack.back()] += value;
      for (const Place& place : std::set<Place>(stack.begin(), stack.end())) inclusive[place] += value;
      std::set<std::pair<Place, Place>> on_stack;
      for (std::size_t at = 1; at < stack.size(); ++at) on_stack.emplace(stack[at - 1], stack[at]);
      for (const auto& edge : on_stack) edges[edge] += value;
    }
    const exporters::CallGraph graph = exporters::make_call_graph(capture, metric);
    EXPECT_EQ(graph.total, total);
    for (const exporters::GraphFunction& function : graph.functions) {
      const Place place = place_of(capture, function.frame);
      EXPECT_EQ(function.own, own.contains(place) ? own[place] : 0);
      EXPECT_EQ(function.inclusive, inclusive.contains(place) ? inclusive[place] : 0);
    }
    std::map<std::pair<Place, Place>, std::uint64_t> found;
    for (const exporters::GraphEdge& edge : graph.edges) {
      found[{place_of(capture, graph.functions[edge.caller].frame),
             place_of(capture, graph.functions[edge.callee].frame)}] = edge.inclusive;
    }
    EXPECT_EQ(found, edges);
  }
}

}  // namespace
}  // namespace heapscope::tests

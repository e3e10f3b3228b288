#include "heap/dominator_view.h"

#include <gtest/gtest.h>

#include "random_graph.h"

namespace heapscope::heap {
namespace {

TEST(DominatorView, PartsOfANodeSumToWhatItRetains) {
  std::mt19937 random(31);
  for (int round = 0; round < 500; ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    const Dominators dominators = find_dominators(graph, find_roots(graph));
    const DominatorTree tree(dominators);
    const ViewLimits limits{random() % 200, 1 + random() % 30, random() % 6};
    const std::vector<ViewNode> nodes = view_dominators(graph, dominators, tree, 0, limits);
    EXPECT_LE(nodes.size(), limits.max_nodes);
    EXPECT_EQ(nodes[0].retained_bytes, dominators.retained[0]);
    std::uint64_t shallow_and_rest = 0;
    for (const ViewNode& node : nodes) {
      std::uint64_t sum = node.shallow_bytes + node.rest_bytes;
      std::uint64_t last = UINT64_MAX;
      for (const std::uint32_t child : node.children) {
        sum += nodes[child].retained_bytes;
        EXPECT_LE(nodes[child].retained_bytes, last);
        EXPECT_GE(nodes[child].retained_bytes, limits.min_bytes);
        EXPECT_EQ(dominators.parent[nodes[child].object], node.object);
        last = nodes[child].retained_bytes;
      }
      EXPECT_EQ(sum, node.retained_bytes);
      EXPECT_EQ(node.children.size() + node.rest_count, tree.children(node.object).size());
      shallow_and_rest += node.shallow_bytes + node.rest_bytes;
    }
    EXPECT_EQ(shallow_and_rest, dominators.retained[0]);
  }
}

TEST(DominatorView, ShowsEverythingThereIsRoomFor) {
  std::mt19937 random(32);
  const Graph graph = random_graph(random, {.roots = 2, .objects = 50}).graph();
  const Dominators dominators = find_dominators(graph, find_roots(graph));
  const std::vector<ViewNode> nodes =
      view_dominators(graph, dominators, DominatorTree(dominators), 0, {0, 1000, 1000});
  EXPECT_EQ(nodes.size(), graph.count() + 1);
  for (const ViewNode& node : nodes) EXPECT_EQ(node.rest_count, 0U);
}

}  // namespace
}  // namespace heapscope::heap

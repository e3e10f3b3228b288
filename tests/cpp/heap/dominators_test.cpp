#include "heap/dominators.h"

#include <gtest/gtest.h>

#include "heap/dominator_tree.h"
#include "heap/retained_set.h"
#include "oracles.h"
#include "random_graph.h"
#include "sanitized.h"

namespace heapscope::heap {
namespace {

std::uint64_t bytes_of(const Graph& graph, const std::set<ObjectId>& objects) {
  std::uint64_t bytes = 0;
  for (const ObjectId id : objects) bytes += graph.size(id);
  return bytes;
}

// The immediate dominator: of all whose deletion frees it, the one that is freed by all others of them.
ObjectId immediate_dominator(const std::vector<std::set<ObjectId>>& freed, ObjectId object) {
  ObjectId nearest = 0;
  for (ObjectId other = 1; other < freed.size(); ++other) {
    if (other == object || !freed[other].contains(object)) continue;
    if (nearest == 0 || freed[nearest].contains(other)) nearest = other;
  }
  return nearest;
}

void expect_what_deletion_finds(const Graph& graph, const ExcludedReferences& without) {
  const RootSet roots = find_roots(graph, without);
  const Dominators found = find_dominators(graph, roots, without);
  std::vector<std::set<ObjectId>> freed(graph.count() + 1);
  std::uint64_t everything = 0;
  for (ObjectId id = 1; id <= graph.count(); ++id) {
    freed[id] = freed_by(graph, roots.order, {id}, without);
    everything += graph.size(id);
  }
  EXPECT_EQ(found.retained[0], everything);
  std::uint64_t of_children = 0;
  for (ObjectId id = 1; id <= graph.count(); ++id) {
    EXPECT_EQ(found.retained[id], bytes_of(graph, freed[id])) << "object " << id;
    EXPECT_EQ(found.parent[id], immediate_dominator(freed, id)) << "object " << id;
    if (found.parent[id] == 0) of_children += found.retained[id];
  }
  EXPECT_EQ(of_children, everything);
}

TEST(Dominators, AreWhatDeletionFindsInRandomGraphs) {
  std::mt19937 random(2);
  for (int round = 0; round < rounds(3000, 1000); ++round) {
    const GraphBuilder heap = random_graph(random, random_shape(random));
    expect_what_deletion_finds(heap.graph(), {});
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

TEST(Dominators, AreWhatDeletionFindsWithoutSomeReferences) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    ExcludedReferences without;
    for (ObjectId from = 1; from <= graph.count(); ++from) {
      for (const ObjectId to : graph.references(from)) {
        if (to != 0 && random() % 5 == 0) without.emplace_back(from, to);
      }
    }
    std::ranges::sort(without);
    expect_what_deletion_finds(graph, without);
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

TEST(Dominators, AChainOfAMillionNeedsNoRecursion) {
  GraphBuilder heap;
  const ObjectId root = heap.root(RootKind::kFrame, "frame");
  const TypeId node = heap.type({.name = "Node", .fields = {"next"}});
  constexpr ObjectId kNodes = 1000000;
  for (ObjectId count = 0; count < kNodes; ++count) heap.object(node, 48);
  heap.refer(root, root + 1, "head");
  for (ObjectId id = root + 1; id < root + kNodes; ++id) {
    heap.refer(id, id + 1);
    heap.refer(id + 1, id);
  }
  const Graph graph = heap.graph();
  const Dominators found = find_dominators(graph, find_roots(graph));
  EXPECT_EQ(found.retained[root + 1], 48U * kNodes);
  EXPECT_EQ(found.retained[root + kNodes], 48U);
  EXPECT_EQ(found.parent[root + kNodes], root + kNodes - 1);
}

TEST(RetainedSet, IsWhatDeletingAllOfThemFrees) {
  std::mt19937 random(4);
  for (int round = 0; round < 2000; ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    const RootSet roots = find_roots(graph);
    std::set<ObjectId> chosen;
    for (ObjectId id = graph.root_count() + 1; id <= graph.count(); ++id) {
      if (random() % 6 == 0) chosen.insert(id);
    }
    const ObjectSet retained =
        retained_set(graph, roots, ObjectSet(std::vector<ObjectId>(chosen.begin(), chosen.end())));
    const std::set<ObjectId> freed = freed_by(graph, roots.order, chosen);
    EXPECT_EQ(std::set<ObjectId>(retained.ids().begin(), retained.ids().end()), freed) << "round " << round;
  }
}

TEST(RetainedSet, IsMoreThanTheSumWhereTwoHoldSomethingTogether) {
  GraphBuilder heap;
  const ObjectId root = heap.root(RootKind::kFrame, "frame");
  const TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
  const ObjectId a = heap.object(list, 64);
  const ObjectId b = heap.object(list, 64);
  const ObjectId shared = heap.object(list, 1000);
  heap.refer(root, a, "a");
  heap.refer(root, b, "b");
  heap.refer(a, shared);
  heap.refer(b, shared);
  const Graph graph = heap.graph();
  const RootSet roots = find_roots(graph);
  const Dominators dominators = find_dominators(graph, roots);
  EXPECT_EQ(dominators.retained[a] + dominators.retained[b], 128U);
  EXPECT_EQ(retained_set(graph, roots, ObjectSet({a, b})).bytes(graph), 1128U);
}

TEST(DominatorTree, TypesRetainWhatNoOtherOfThemDominates) {
  std::mt19937 random(5);
  for (int round = 0; round < 1000; ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    const Dominators dominators = find_dominators(graph, find_roots(graph));
    const DominatorTree tree(dominators);
    const std::vector<TypeTotal> totals = total_by_type(graph, dominators, tree);
    std::vector<TypeTotal> expected(graph.types().size());
    for (ObjectId id = 1; id <= graph.count(); ++id) {
      TypeTotal& total = expected[graph.type(id)];
      ++total.count;
      total.shallow_bytes += graph.size(id);
      bool topmost = true;
      for (ObjectId above = dominators.parent[id]; above != 0; above = dominators.parent[above])
        topmost = topmost && graph.type(above) != graph.type(id);
      if (topmost) total.retained_bytes += dominators.retained[id];
    }
    for (TypeId type = 0; type < totals.size(); ++type) {
      EXPECT_EQ(totals[type].count, expected[type].count);
      EXPECT_EQ(totals[type].shallow_bytes, expected[type].shallow_bytes);
      EXPECT_EQ(totals[type].retained_bytes, expected[type].retained_bytes);
    }
  }
}

TEST(DominatorTree, ListsTheBiggestFirst) {
  std::mt19937 random(6);
  const Graph graph = random_graph(random, {.roots = 2, .objects = 200}).graph();
  const Dominators dominators = find_dominators(graph, find_roots(graph));
  const DominatorTree tree(dominators);
  const std::vector<ObjectId> best = biggest(tree.children(0), dominators, 5);
  ASSERT_EQ(best.size(), 5U);
  for (std::size_t index = 1; index < best.size(); ++index)
    EXPECT_GE(dominators.retained[best[index - 1]], dominators.retained[best[index]]);
  for (const ObjectId child : tree.children(0))
    EXPECT_LE(dominators.retained[child], dominators.retained[best[0]]);
}

}  // namespace
}  // namespace heapscope::heap

#include "heap/root_set.h"

#include <gtest/gtest.h>

#include "heap/heap.h"
#include "oracles.h"
#include "random_graph.h"

namespace heapscope::heap {
namespace {

// A heap with one of everything that holds.
struct Holding {
  GraphBuilder heap;
  ObjectId root = heap.root(RootKind::kModules, "sys.modules");
  TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
  ObjectId named = heap.object(list, 64);
  ObjectId below = heap.object(list, 64);
  ObjectId by_c = heap.object(list, 64);
  ObjectId below_c = heap.object(list, 64);
  ObjectId immortal = heap.object(list, 64, kImmortal);
  ObjectId hanging = heap.object(list, 64);
  ObjectId cycle_one = heap.object(list, 64);
  ObjectId cycle_two = heap.object(list, 64);

  Holding() {
    heap.refer(root, named, "x");
    heap.refer(named, below);
    heap.held_by_c(below, 2);
    heap.held_by_c(by_c);
    heap.refer(by_c, below_c);
    heap.refer(cycle_two, {hanging, cycle_one});
    heap.refer(cycle_one, cycle_two);
  }
};

TEST(RootSet, TellsWhoHoldsWhat) {
  const Holding holding;
  const RootSet roots = find_roots(holding.heap.graph());
  EXPECT_EQ(roots.held[holding.root], Held::kNamed);
  EXPECT_EQ(roots.held[holding.named], Held::kNo);
  EXPECT_EQ(roots.held[holding.below], Held::kByC);
  EXPECT_EQ(roots.excess[holding.below], 2U);
  EXPECT_EQ(roots.reached_by[holding.below], Held::kNamed);
  EXPECT_EQ(roots.parent[holding.below], holding.named);
  EXPECT_EQ(roots.distance[holding.below], 2U);
  EXPECT_EQ(roots.held[holding.by_c], Held::kByC);
  EXPECT_EQ(roots.reached_by[holding.below_c], Held::kByC);
  EXPECT_EQ(roots.held[holding.immortal], Held::kImmortal);
  EXPECT_EQ(roots.excess[holding.immortal], 0U);
}

TEST(RootSet, TheHeadOfGarbageIsInItsCycle) {
  const Holding holding;
  const RootSet roots = find_roots(holding.heap.graph());
  EXPECT_EQ(roots.held[holding.cycle_one], Held::kGarbage);
  EXPECT_EQ(roots.held[holding.hanging], Held::kNo);
  EXPECT_EQ(roots.parent[holding.hanging], holding.cycle_two);
  EXPECT_EQ(roots.garbage_objects, 3U);
}

TEST(RootSet, CountsByTheKindOfRoot) {
  const Holding holding;
  const RootSet roots = find_roots(holding.heap.graph());
  EXPECT_EQ(roots.named_objects, 2U);
  EXPECT_EQ(roots.immortal_objects, 1U);
  EXPECT_EQ(roots.c_objects, 2U);
}

TEST(RootSet, WithoutTheReferenceThatHoldsThemObjectsAreGarbage) {
  GraphBuilder heap;
  const ObjectId root = heap.root(RootKind::kFrame, "frame");
  const TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
  const ObjectId cache = heap.object(list, 64);
  const ObjectId entry = heap.object(list, 64);
  heap.refer(root, cache, "cache");
  heap.refer(cache, entry);
  const Graph graph = heap.graph();
  EXPECT_EQ(find_roots(graph).garbage_objects, 0U);
  const RootSet roots = find_roots(graph, {{cache, entry}});
  EXPECT_EQ(roots.garbage_objects, 1U);
  EXPECT_EQ(roots.held[entry], Held::kGarbage);
}

TEST(RootSet, AgreesWithAPlainSearchInRandomGraphs) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    const RootSet roots = find_roots(graph);
    const std::vector<bool> all = reached_without(graph, roots.order, {});
    std::vector<ObjectId> alive;
    for (const ObjectId root : roots.order) {
      if (roots.held[root] != Held::kGarbage) alive.push_back(root);
    }
    const std::vector<bool> live = reached_without(graph, alive, {});
    for (ObjectId id = 1; id <= graph.count(); ++id) {
      EXPECT_TRUE(all[id]);
      EXPECT_EQ(live[id], roots.reached_by[id] != Held::kGarbage);
      if (roots.parent[id] == 0) {
        EXPECT_NE(roots.held[id], Held::kNo);
        EXPECT_EQ(roots.distance[id], 0U);
      } else {
        EXPECT_EQ(roots.distance[id], roots.distance[roots.parent[id]] + 1);
        EXPECT_NE(std::ranges::find(graph.references(roots.parent[id]), id),
                  graph.references(roots.parent[id]).end());
      }
      // A head reaches its whole part: no other garbage reaches it without being reached back.
      if (roots.held[id] == Held::kGarbage) {
        const std::vector<bool> from_head = reached_without(graph, {id}, {});
        for (ObjectId other = 1; other <= graph.count(); ++other) {
          if (!live[other] && reached_without(graph, {other}, {})[id]) {
            EXPECT_TRUE(from_head[other]);
            EXPECT_GE(other, id);
          }
        }
      }
    }
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

TEST(Heap, WhatIsReachedAndWhatIsNotIsEverything) {
  std::mt19937 random(8);
  for (int round = 0; round < 300; ++round) {
    const Heap heap(random_graph(random, random_shape(random)).graph());
    const ObjectSet reachable = heap.reachable();
    const ObjectSet unreachable = heap.unreachable();
    EXPECT_EQ((reachable & unreachable).size(), 0U);
    for (ObjectId id = 1; id <= heap.graph().count(); ++id) {
      if (heap.graph().is_python(id)) {
        EXPECT_TRUE(reachable.contains(id) != unreachable.contains(id));
      }
    }
  }
}

TEST(Referrers, AreTheReferencesTurnedAround) {
  std::mt19937 random(9);
  for (int round = 0; round < 500; ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    const Referrers referrers(graph);
    for (ObjectId to = 1; to <= graph.count(); ++to) {
      std::vector<ObjectId> expected;
      for (ObjectId from = 1; from <= graph.count(); ++from) {
        for (const ObjectId each : graph.references(from)) {
          if (each == to) expected.push_back(from);
        }
      }
      const auto found = referrers.of(to);
      EXPECT_EQ(std::vector(found.begin(), found.end()), expected);
    }
  }
}

}  // namespace
}  // namespace heapscope::heap

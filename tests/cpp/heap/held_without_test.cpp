#include "heap/held_without.h"

#include <gtest/gtest.h>

#include <vector>

#include "heap/dominator_tree.h"
#include "heap/part_totals.h"
#include "heap/small_python.h"

namespace heapscope::heap {
namespace {

TEST(PartTotals, WhatAnotherOfThePartDominatesIsCountedOnce) {
  SmallPython heap;
  const ObjectId inner = heap.list({}, 10);
  const ObjectId outer = heap.list({inner}, 100);
  const ObjectId dict = heap.dict(1000);
  heap.put(dict, 0, outer);
  heap.refer(heap.frame_root, dict, "held");
  const Graph graph = heap.graph();
  const RootSet roots = find_roots(graph);
  const Dominators dominators = find_dominators(graph, roots);
  const DominatorTree tree(dominators);
  const ObjectSet lists({inner, outer}), dicts({dict}), none;
  const ObjectSet* parts[] = {&lists, &dicts, &none};
  EXPECT_EQ(retained_of_parts(dominators, tree, parts), (std::vector<std::uint64_t>{110, 1110, 0}));
}

TEST(HeldWithout, WhatOnlyFramesHoldIsGoneWithThem) {
  SmallPython heap;
  const ObjectId shared = heap.list(), local = heap.list({shared});
  const ObjectId names = heap.module("app");
  heap.put(names, "KEPT", shared);
  heap.refer(heap.frame_root, local, "local");
  const Graph graph = heap.graph();
  const ObjectSet held = held_without(graph, find_roots(graph), RootKind::kFrame);
  EXPECT_TRUE(held.contains(shared));
  EXPECT_TRUE(held.contains(names));
  EXPECT_FALSE(held.contains(local));
}

TEST(HeldWithout, TheFrameThatRunsGoesAndAFrameInAVariableDoesNot) {
  SmallPython heap;
  const TypeId frame = heap.type({.name = "frame", .fields = {"f_back"}});
  const ObjectId runs = heap.object(frame, 400), ended = heap.object(frame, 400);
  const ObjectId names = heap.module("app");
  heap.put(names, "LOOKED_AT", runs);
  heap.put(names, "KEPT", ended);
  heap.refer(heap.frame_root, ended, "kept");
  heap.refer(heap.frame_root, runs, "<frame>");
  const Graph graph = heap.graph();
  const ObjectSet held = held_without(graph, find_roots(graph), RootKind::kFrame);
  EXPECT_TRUE(held.contains(ended));
  EXPECT_FALSE(held.contains(runs));
}

}  // namespace
}  // namespace heapscope::heap

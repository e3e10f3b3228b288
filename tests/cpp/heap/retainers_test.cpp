#include "heap/retainers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "heap/named_heap.h"
#include "heap/small_python.h"

namespace heapscope::heap {
namespace {

std::vector<std::string> told(const RetainerTree& tree) {
  std::vector<std::string> rows;
  for (std::uint32_t row = 0; row < tree.rows.size(); ++row) {
    const Retainer& each = tree.rows[row];
    const char* marks[] = {"-", "S", "R", "^", "+"};
    rows.push_back(pattern_place(tree, row) + " [" + marks[static_cast<int>(each.mark)] + "] " +
                   std::to_string(each.set.size()) + " " + each.kind);
  }
  return rows;
}

using Rows = std::vector<std::string>;

TEST(Retainers, AreToldAsHeapysReferencePattern) {
  SmallPython heap;
  const ObjectId globals = heap.module("__main__");
  const auto [lesson, class_names] = heap.python_class("__main__", "Lesson");
  const ObjectId cache = heap.dict();
  heap.put(globals, "CACHE", cache);
  std::vector<ObjectId> lessons;
  for (int made = 0; made < 50; ++made) {
    lessons.push_back(heap.instance(lesson).first);
    heap.put(cache, std::to_string(made), lessons.back());
  }
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(told(retainer_tree(graph, ways.kinds, ways.referrers, ObjectSet::of(lessons))),
            (Rows{"_ [-] 50 __main__.Lesson", "a [-] 1 dict (no owner)", "aa [S] 1 dict of module"}));
}

TEST(Retainers, ASetMetBeforeIsNotFollowedAgain) {
  SmallPython heap;
  const ObjectId dict = heap.dict();
  const ObjectId tuple = heap.object(heap.tuple_type, 48);
  heap.refer(tuple, dict);
  heap.put(dict, "x", tuple);
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  const RetainerTree tree = retainer_tree(graph, ways.kinds, ways.referrers, ObjectSet::of({dict}));
  EXPECT_EQ(told(tree), (Rows{"_ [-] 1 dict (no owner)", "a [-] 1 tuple", "aa [^] 1 dict (no owner)"}));
  EXPECT_EQ(tree.rows[2].seen, 0U);
}

TEST(Retainers, DepthAndRowsAreLimitedAndSaySo) {
  SmallPython heap;
  ObjectId target = heap.list();
  const ObjectId deepest = target;
  for (int made = 0; made < 9; ++made) {
    const ObjectId wrapper = made % 2 == 0 ? heap.object(heap.tuple_type, 48) : heap.list();
    heap.refer(wrapper, target);
    target = wrapper;
  }
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  const auto rows =
      told(retainer_tree(graph, ways.kinds, ways.referrers, ObjectSet::of({deepest}), {.depth = 4}));
  EXPECT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows.back(), "a4 [+] 1 list");
  const RetainerTree cut =
      retainer_tree(graph, ways.kinds, ways.referrers, ObjectSet::of({deepest}), {.rows = 3});
  EXPECT_EQ(cut.rows.size(), 3U);
  EXPECT_EQ(cut.rows_left_out, 1U);
}

TEST(Retainers, ARootIsTheEndAndHasItsLabel) {
  SmallPython heap;
  const ObjectId local = heap.list();
  heap.refer(heap.frame_root, local, "rows");
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(told(retainer_tree(graph, ways.kinds, ways.referrers, ObjectSet::of({local}))),
            (Rows{"_ [-] 1 list", "a [R] 1 <thread 'MainThread' handle>"}));
}

}  // namespace
}  // namespace heapscope::heap

#include "heap/merged_paths.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "heap/named_heap.h"
#include "heap/small_python.h"

namespace heapscope::heap {
namespace {

using Row = std::pair<std::string, std::size_t>;

std::vector<Row> rows(const NamedHeap& ways, const ObjectSet& set, std::size_t most = SIZE_MAX) {
  std::vector<Row> made;
  for (const MergedPath& path : merged_paths(ways.graph, ways.tree, ways.writer, set, most)) {
    made.emplace_back(path.held_by, path.set.size());
  }
  return made;
}

TEST(MergedPaths, NineOfTenAreHeldByACache) {
  SmallPython heap;
  const ObjectId globals = heap.module("app.cache");
  const auto [store_type, store_names] = heap.python_class("app.cache", "Store");
  const auto [lesson, class_names] = heap.python_class("app.models", "Lesson");
  const auto [store, attributes] = heap.instance(store_type);
  heap.put(globals, "store", store);
  const ObjectId table = heap.dict();
  heap.put(attributes, "_rows", table);
  const ObjectId local = heap.list();
  heap.refer(heap.frame_root, local, "rows");
  std::vector<ObjectId> lessons;
  for (int made = 0; made < 100; ++made) {
    lessons.push_back(heap.instance(lesson).first);
    if (made % 10 == 0) {
      heap.refer(local, lessons.back());
    } else if (made % 2 == 0) {
      heap.put(table, std::to_string(made), lessons.back());
    } else {
      heap.put(table, heap.object(heap.float_type, 24), lessons.back());
    }
  }
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  const ObjectSet set = ObjectSet::of(lessons);
  EXPECT_EQ(rows(ways, set), (std::vector<Row>{{"app.cache.store._rows values", 90},
                                               {"<thread 'MainThread' handle>.rows items", 10}}));
  const auto merged = merged_paths(graph, ways.tree, ways.writer, set);
  EXPECT_EQ(merged[0].pattern, "sys.modules['app.cache'].store._rows[*]");
  EXPECT_EQ(merged[1].pattern, "<thread 'MainThread' handle>.rows[*]");
  EXPECT_EQ(merged[0].bytes, 90U * 48);
}

TEST(MergedPaths, ALongListOfNodesIsOneRow) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const auto [node, class_names] = heap.python_class("app", "Node");
  std::vector<ObjectId> nodes;
  std::vector<ObjectId> values;
  ObjectId before = globals;
  for (int made = 0; made < 50; ++made) {
    const auto [each, names] = heap.instance(node);
    heap.put(before, made == 0 ? "HEAD" : "next", each);
    values.push_back(heap.list());
    heap.put(names, "value", values.back());
    nodes.push_back(each);
    before = names;
  }
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(rows(ways, ObjectSet::of(nodes)), (std::vector<Row>{{"app.HEAD…", 50}}));
  EXPECT_EQ(rows(ways, ObjectSet::of(values)), (std::vector<Row>{{"app.HEAD….value", 50}}));
}

TEST(MergedPaths, NestedListsAreFoldedAfterTheSecond) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  ObjectId inner = heap.list();
  std::vector<ObjectId> lists = {inner};
  for (int made = 0; made < 30; ++made) lists.push_back(inner = heap.list({inner}));
  heap.put(globals, "NEST", inner);
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(rows(ways, ObjectSet::of(lists)),
            (std::vector<Row>{{"app.NEST[*][*]…", 29}, {"app.NEST", 1}, {"app.NEST items", 1}}));
}

TEST(MergedPaths, CountsAndBytesSumToTheSetWithARestRow) {
  SmallPython heap;
  std::vector<ObjectId> objects;
  for (int made = 0; made < 20; ++made) {
    const ObjectId globals = heap.module("m" + std::to_string(made));
    for (int each = 0; each <= made; ++each) {
      objects.push_back(heap.list({}, 56 + static_cast<std::uint64_t>(each)));
      heap.put(globals, "x" + std::to_string(each), objects.back());
    }
  }
  objects.push_back(heap.list());  // held by nothing
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  const ObjectSet set = ObjectSet::of(objects);
  for (const std::size_t most : {std::size_t{1}, std::size_t{5}, std::size_t{1000}}) {
    const auto merged = merged_paths(graph, ways.tree, ways.writer, set, most);
    EXPECT_LE(merged.size(), most);
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    std::size_t patterns = 0;
    for (const MergedPath& path : merged) {
      count += path.set.size();
      bytes += path.bytes;
      patterns += path.patterns;
    }
    EXPECT_EQ(count, set.size());
    EXPECT_EQ(bytes, set.bytes(graph));
    EXPECT_EQ(patterns, 211U);
  }
}

}  // namespace
}  // namespace heapscope::heap

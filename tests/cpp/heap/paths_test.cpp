#include "heap/paths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "heap/named_heap.h"
#include "heap/small_python.h"

namespace heapscope::heap {
namespace {

using Texts = std::vector<std::string>;

TEST(Paths, AModulesGlobalIsWrittenAsItsAttribute) {
  SmallPython heap;
  const ObjectId globals = heap.module("__main__");
  const auto [lesson, class_names] = heap.python_class("__main__", "Lesson");
  const auto [instance, names] = heap.instance(lesson);
  const ObjectId name = heap.str("n3");
  heap.put(names, "name", name);
  const ObjectId list = heap.list({heap.str("a"), instance});
  const ObjectId cache = heap.dict();
  heap.put(cache, "x", list);
  heap.put(globals, "CACHE", cache);
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(ways.text(name).text, "sys.modules['__main__'].CACHE['x'][1].name");
  EXPECT_TRUE(ways.text(name).evaluates);
  EXPECT_EQ(ways.text(names).text, "sys.modules['__main__'].CACHE['x'][1].__dict__");
  EXPECT_EQ(ways.text(heap.modules).text, "sys.modules");
}

TEST(Paths, TheWayThroughModulesIsPreferredToAShorterOneThroughAFramesGlobals) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const ObjectId cache = heap.list();
  heap.put(globals, "CACHE", cache);
  heap.refer(heap.frame_root, globals, "f_globals");
  const ObjectId local = heap.list({cache});
  heap.refer(heap.frame_root, local, "rows");
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(ways.text(cache).text, "sys.modules['app'].CACHE");
  EXPECT_EQ(ways.text(local).text, "<thread 'MainThread' handle>.rows");
  EXPECT_FALSE(ways.text(local).evaluates);
  EXPECT_EQ(ways.several(cache, 9), (Texts{"sys.modules['app'].CACHE", "<thread 'MainThread' handle>.rows[0]",
                                           "<thread 'MainThread' handle>.f_globals['CACHE']"}));
}

TEST(Paths, AClassIsNamedByTheModuleThatDefinesItHoweverManyImportedIt) {
  SmallPython heap;
  const ObjectId before = heap.module("a");
  const ObjectId models = heap.module("m");
  const ObjectId after = heap.module("z");
  const auto [lesson, class_names] = heap.python_class("m", "Lesson");
  for (const ObjectId each : {before, models, after})
    heap.put(each, "Lesson", heap.graph().types()[lesson].object);
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(ways.text(graph.types()[lesson].object).text, "sys.modules['m'].Lesson");
}

TEST(Paths, AnAttributeThatAPropertyHidesIsReadFromTheDict) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const auto [lesson, class_names] = heap.python_class("app", "Lesson");
  heap.put(class_names, "rows", heap.object(heap.property_type, 64));
  const auto [instance, names] = heap.instance(lesson);
  const ObjectId rows = heap.list();
  const ObjectId odd = heap.list();
  heap.put(names, "rows", rows);
  heap.put(names, "a b", odd);
  heap.put(globals, "LESSON", instance);
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(ways.text(rows).text, "sys.modules['app'].LESSON.__dict__['rows']");
  EXPECT_EQ(ways.text(odd).text, "sys.modules['app'].LESSON.__dict__['a b']");
}

TEST(Paths, AVariableInACellIsTheVariable) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const ObjectId names = heap.object(heap.tuple_type, 56);
  heap.refer(names, heap.str("y"));
  const ObjectId code = heap.object(heap.code_type, 200);
  heap.refer(code, names);
  const ObjectId value = heap.list();
  const ObjectId cell = heap.object(heap.cell_type, 40);
  heap.refer(cell, value);
  const ObjectId generator = heap.object(heap.generator_type, 200);
  heap.refer(generator, {code, cell});
  heap.put(globals, "GENERATOR", generator);
  const ObjectId function = heap.object(heap.function_type, 150);
  const ObjectId closure = heap.object(heap.tuple_type, 48);
  const ObjectId other_cell = heap.object(heap.cell_type, 40);
  const ObjectId other = heap.list();
  heap.refer(other_cell, other);
  heap.refer(closure, other_cell);
  heap.refer(function, {0, closure});
  heap.put(globals, "function", function);
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  EXPECT_EQ(ways.text(value).text, "sys.modules['app'].GENERATOR.gi_frame.f_locals['y']");
  EXPECT_TRUE(ways.text(value).evaluates);
  EXPECT_FALSE(ways.text(cell).evaluates);
  EXPECT_EQ(ways.text(other).text, "sys.modules['app'].function.__closure__[0].cell_contents");
}

TEST(Paths, WhatOnlyCHoldsSaysSo) {
  SmallPython heap;
  const ObjectId inner = heap.list();
  const ObjectId held = heap.list({inner});
  heap.held_by_c(held);
  const Graph graph = heap.graph();
  const NamedHeap ways(graph, {held});
  EXPECT_TRUE(ways.text(inner).text.starts_with("<held by C: list at 0x7f")) << ways.text(inner).text;
  EXPECT_TRUE(ways.text(inner).text.ends_with(">[0]"));
  EXPECT_FALSE(ways.text(inner).evaluates);
}

TEST(Paths, WithoutAReferenceTheNextBestPathIsFoundOrNone) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const ObjectId target = heap.list();
  const ObjectId a = heap.list({target});
  const ObjectId b = heap.list({target});
  const ObjectId longer = heap.list({b});
  heap.put(globals, "A", a);
  heap.put(globals, "B", longer);
  const Graph graph = heap.graph();
  EXPECT_EQ(NamedHeap(graph).text(target).text, "sys.modules['app'].A[0]");
  EXPECT_EQ(NamedHeap(graph).several(target, 5),
            (Texts{"sys.modules['app'].A[0]", "sys.modules['app'].B[0][0]"}));
  const NamedHeap first(graph, {}, {{a, target}});
  EXPECT_EQ(first.text(target).text, "sys.modules['app'].B[0][0]");
  EXPECT_EQ(first.several(target, 5), (Texts{"sys.modules['app'].B[0][0]"}));
  const NamedHeap none(graph, {}, {{a, target}, {b, target}});
  EXPECT_EQ(none.text(target).text, "<unreachable>");
  EXPECT_TRUE(none.several(target, 5).empty());
}

TEST(Paths, BetweenTwoObjectsAreWrittenBehindTheFirst) {
  SmallPython heap;
  const ObjectId target = heap.list();
  const ObjectId middle = heap.list({target});
  const ObjectId start = heap.list({middle, target});
  const Graph graph = heap.graph();
  const NamedHeap ways(graph);
  const PathStart from{start, 0};
  const PathTree tree = grow_path_tree(graph, ways.costs, {&from, 1});
  Texts texts;
  for (const Path& path : several_paths(graph, ways.costs, ways.referrers, tree, target, 9)) {
    texts.push_back(ways.writer.write(path, "_").text);
  }
  EXPECT_EQ(texts, (Texts{"_[1]", "_[0][0]"}));
}

// Costs by Bellman and Ford, without buckets and phases.
std::vector<std::uint64_t> plain_costs(const Graph& graph, const StepCosts& costs, ObjectId start) {
  constexpr std::uint64_t kFar = 1'000'000'000;
  std::vector<std::uint64_t> far(graph.count() + 1, kFar);
  far[start] = 0;
  for (ObjectId round = 0; round <= graph.count(); ++round) {
    for (ObjectId from = 1; from <= graph.count(); ++from) {
      const auto references = graph.references(from);
      for (std::uint32_t position = 0; position < references.size(); ++position) {
        if (references[position] == 0) continue;
        std::uint64_t& to = far[references[position]];
        to = std::min(to, far[from] + costs.of(from, position));
      }
    }
  }
  return far;
}

TEST(Paths, AreTheCheapestAndDifferOnRandomGraphs) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t limit) {
    return static_cast<ObjectId>(std::uniform_int_distribution<std::size_t>(0, limit - 1)(random));
  };
  std::size_t more_than_one = 0;
  for (int round = 0; round < 300; ++round) {
    SmallPython heap;
    const TypeId odd =
        heap.type({.name = "odd", .fields = {"a", "<b>", "__dict__", "f_globals", ""}, .tail = Tail::kItems});
    std::vector<ObjectId> objects;
    for (ObjectId made = 0; made < 2 + below(12); ++made) {
      objects.push_back(heap.object(below(2) == 0 ? odd : heap.dict_type, 64));
    }
    heap.refer(heap.modules_root, objects[0], "modules");
    for (const ObjectId each : objects) {
      for (ObjectId made = below(5) * 2; made > 0; --made) {
        heap.refer(each, below(6) == 0 ? 0 : objects[below(objects.size())]);
      }
    }
    const Graph graph = heap.graph();
    const NamedHeap ways(graph);
    const auto plain = plain_costs(graph, ways.costs, heap.modules_root);
    for (const ObjectId each : objects) {
      if (ways.tree.cost[each] == kUnreached) {
        EXPECT_EQ(plain[each], 1'000'000'000U);
        continue;
      }
      EXPECT_EQ(ways.tree.cost[each], plain[each]);
      const auto paths = several_paths(graph, ways.costs, ways.referrers, ways.tree, each, 4);
      more_than_one += paths.size() > 1 ? 1 : 0;
      std::set<std::vector<ObjectId>> rows;
      for (const Path& path : paths) {
        ASSERT_EQ(path.front().object, heap.modules_root);
        ASSERT_EQ(path.back().object, each);
        std::vector<ObjectId> row;
        for (std::size_t at = 0; at < path.size(); ++at) {
          row.push_back(path[at].object);
          if (at > 0) {
            ASSERT_EQ(graph.references(path[at - 1].object)[path[at].position], path[at].object);
          }
        }
        EXPECT_EQ(std::set<ObjectId>(row.begin(), row.end()).size(), row.size());
        EXPECT_TRUE(rows.insert(row).second);
      }
    }
  }
  EXPECT_GT(more_than_one, 100U);
}

}  // namespace
}  // namespace heapscope::heap

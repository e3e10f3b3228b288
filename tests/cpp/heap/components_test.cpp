#include "heap/components.h"

#include <gtest/gtest.h>

#include <set>

#include "heap/cycles.h"
#include "oracles.h"
#include "random_graph.h"
#include "small_python.h"

namespace heapscope::heap {
namespace {

TEST(Components, AreWhatReachesEachOtherInRandomGraphs) {
  std::mt19937 random(21);
  for (int round = 0; round < 1000; ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    const Components components(graph);
    std::vector<std::vector<bool>> reach(graph.count() + 1);
    for (ObjectId from = 1; from <= graph.count(); ++from) {
      // Without itself: what its references reach.
      const auto references = graph.references(from);
      reach[from] = reached_without(graph, std::vector<ObjectId>(references.begin(), references.end()), {});
    }
    for (ObjectId a = 1; a <= graph.count(); ++a) {
      EXPECT_EQ(components.of(a) != 0, reach[a][a]);
      for (ObjectId b = 1; b <= graph.count(); ++b) {
        if (a != b) {
          EXPECT_EQ(components.of(a) != 0 && components.of(a) == components.of(b),
                    reach[a][b] && reach[b][a]);
        }
      }
    }
    std::size_t members = 0;
    for (std::uint32_t component = 1; component <= components.count(); ++component) {
      for (const ObjectId member : components.members(component)) EXPECT_EQ(components.of(member), component);
      members += components.members(component).size();
    }
    std::size_t in_cycles = 0;
    for (ObjectId id = 1; id <= graph.count(); ++id) in_cycles += components.of(id) != 0 ? 1U : 0U;
    EXPECT_EQ(members, in_cycles);
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
}

// The length of the shortest way back, by brute force.
std::size_t shortest(const Graph& graph, ObjectId object) {
  std::set<ObjectId> level{object};
  for (std::size_t length = 1; length <= graph.count(); ++length) {
    std::set<ObjectId> next;
    for (const ObjectId from : level) {
      for (const ObjectId to : graph.references(from)) {
        if (to != 0) next.insert(to);
      }
    }
    if (next.contains(object)) return length;
    level = std::move(next);
  }
  return 0;
}

TEST(SmallestCycle, IsAWayBackAndNoneIsShorter) {
  std::mt19937 random(22);
  for (int round = 0; round < 500; ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    const Components components(graph);
    for (ObjectId id = 1; id <= graph.count(); ++id) {
      const std::vector<ObjectId> way = smallest_cycle(graph, components, id);
      ASSERT_EQ(way.size(), shortest(graph, id));
      for (std::size_t index = 0; index < way.size(); ++index) {
        const auto references = graph.references(way[index]);
        EXPECT_NE(std::ranges::find(references, way[(index + 1) % way.size()]), references.end());
      }
      if (!way.empty()) {
        EXPECT_EQ(way.front(), id);
      }
    }
  }
}

struct Families {
  GraphBuilder heap;
  ObjectId root = heap.root(RootKind::kModules, "sys.modules");
  TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
  TypeId parent = heap.type({.name = "Parent", .module = "app", .fields = {"children"}});
  TypeId child = heap.type({.name = "Child", .module = "app", .fields = {"parent"}});
  std::vector<ObjectId> parents;

  Families() {
    const ObjectId all = heap.object(list, 64);
    heap.refer(root, all, "families");
    for (int count = 0; count < 3; ++count) {
      const ObjectId child_first = heap.object(child, 48);
      parents.push_back(heap.object(parent, 48));
      const ObjectId children = heap.object(list, 72);
      heap.refer(child_first, parents.back());
      heap.refer(parents.back(), children);
      heap.refer(children, child_first);
      heap.refer(all, parents.back());
    }
  }
};

TEST(Cycles, BeginWhereTheRootComesToThem) {
  const Families families;
  const Heap heap(families.heap.graph());
  const std::vector<Cycle> cycles = find_cycles(heap, CyclesOf::kInstances, nullptr, 100);
  ASSERT_EQ(cycles.size(), 3U);
  for (const Cycle& cycle : cycles) {
    EXPECT_EQ(heap.graph().type(cycle.way.front()), families.parent);
    EXPECT_EQ(heap.graph().type(cycle.way.back()), families.child);
    EXPECT_EQ(cycle.position, 0U);
    EXPECT_EQ(cycle.bytes, 168U);
  }
}

TEST(Cycles, OfOneLookAreOneRow) {
  const Families families;
  const Heap heap(families.heap.graph());
  const std::vector<CycleKind> kinds = cycles_by_type(heap, CyclesOf::kInstances, nullptr);
  ASSERT_EQ(kinds.size(), 1U);
  EXPECT_EQ(kinds[0].types, (std::vector{families.parent, families.list, families.child}));
  EXPECT_EQ(kinds[0].count, 3U);
  EXPECT_EQ(kinds[0].objects, 9U);
  EXPECT_EQ(kinds[0].bytes, 504U);
  const ObjectSet one({families.parents[1]});
  EXPECT_EQ(cycles_by_type(heap, CyclesOf::kInstances, &one)[0].count, 1U);
}

// A class whose method's namespace holds an instance: all of it is one component.
struct Tied {
  SmallPython builder;
  ObjectId names = builder.module("app");
  std::pair<TypeId, ObjectId> node = builder.python_class("app", "Node");
  std::pair<TypeId, ObjectId> idle = builder.python_class("app", "Idle");
  ObjectId parent = builder.object(node.first, 48);
  ObjectId child = builder.object(node.first, 48);
  ObjectId lambda = builder.object(builder.function_type, 136);
  ObjectId cell = builder.object(builder.cell_type, 40);
  ObjectId lost = builder.object(node.first, 48);

  Tied() {
    const ObjectId method = builder.object(builder.function_type, 136);
    const ObjectId class_of_node = builder.object_of_type(node.first);
    builder.put(names, "Node", class_of_node);
    builder.put(names, "Idle", builder.object_of_type(idle.first));
    builder.put(names, "tree", parent);
    builder.put(node.second, "method", method);
    builder.refer(method, {names, 0});
    builder.refer(parent, {child, class_of_node});
    builder.refer(child, {parent, lambda});
    builder.refer(lambda, {names, cell});
    builder.refer(cell, child);
    builder.refer(lost, lost);
  }
};

TEST(Cycles, OfInstancesAreNotTiedTogetherByProgramCode) {
  const Tied tied;
  const Heap heap(tied.builder.graph());
  const Components& all = heap.components();
  EXPECT_EQ(all.of(tied.parent), all.of(tied.names));
  const std::vector<Cycle> cycles = find_cycles(heap, CyclesOf::kInstances, nullptr, 100);
  ASSERT_EQ(cycles.size(), 2U);
  EXPECT_EQ(cycles[0].way, (std::vector{tied.parent, tied.child}));
  EXPECT_EQ(cycles[0].objects, 4U);  // the lambda and its cell, and neither class nor namespace
  EXPECT_FALSE(cycles[0].garbage);
  EXPECT_EQ(cycles[1].way, std::vector{tied.lost});
  EXPECT_TRUE(cycles[1].garbage);
  const CodeInCycles code = code_in_cycles(heap, nullptr);
  EXPECT_EQ(code.classes, 2U);
  EXPECT_EQ(code.garbage_classes, 0U);
  std::size_t in_cycles = 0;
  for (ObjectId id = 1; id <= heap.graph().count(); ++id) in_cycles += all.of(id) != 0 ? 1U : 0U;
  EXPECT_EQ(code.classes + code.others + 5, in_cycles);
  const std::vector<Cycle> of_code = find_cycles(heap, CyclesOf::kCode, nullptr, 100);
  ASSERT_EQ(of_code.size(), 2U);  // the module's with all that is tied to it, and that of the class Idle
  EXPECT_EQ(of_code[0].objects + of_code[1].objects + 1, in_cycles);
}

TEST(Components, ARingOfAMillionNeedsNoRecursion) {
  GraphBuilder heap;
  const TypeId node = heap.type({.name = "Node", .fields = {"next"}});
  constexpr ObjectId kNodes = 1000000;
  for (ObjectId count = 0; count < kNodes; ++count) heap.object(node, 48);
  for (ObjectId id = 1; id <= kNodes; ++id) heap.refer(id, id % kNodes + 1);
  const Graph graph = heap.graph();
  const Components components(graph);
  ASSERT_EQ(components.count(), 1U);
  EXPECT_EQ(components.members(1).size(), kNodes);
  EXPECT_EQ(smallest_cycle(graph, components, 1).size(), kNodes);
}

}  // namespace
}  // namespace heapscope::heap

#include "heap/neighbours.h"

#include <gtest/gtest.h>

#include <vector>

#include "heap/small_python.h"
#include "heap/type_summary.h"

namespace heapscope::heap {
namespace {

std::vector<ObjectId> ids(const ObjectSet& set) { return {set.ids().begin(), set.ids().end()}; }

TEST(Neighbours, ReferrersAndReferentsAreObjectsAndNoRoots) {
  SmallPython heap;
  const ObjectId shared = heap.str("x");
  const ObjectId a = heap.list({shared, 0, shared});
  const ObjectId b = heap.list({shared});
  heap.refer(heap.frame_root, shared, "held");
  heap.refer(heap.frame_root, a, "a");
  const Graph graph = heap.graph();
  const Referrers referrers(graph);
  EXPECT_EQ(ids(referrers_of(graph, referrers, ObjectSet({shared}))), (std::vector<ObjectId>{a, b}));
  EXPECT_TRUE(ids(referrers_of(graph, referrers, ObjectSet({a}))).empty());
  EXPECT_EQ(ids(referents_of(graph, ObjectSet({a, b}))), (std::vector<ObjectId>{shared}));
}

TEST(Neighbours, InstancesAreThoseOfExactlyOneType) {
  SmallPython heap;
  const auto [base, base_names] = heap.python_class("app", "Base");
  const auto [derived, derived_names] = heap.python_class("app", "Derived");
  const ObjectId one = heap.instance(base).first;
  heap.instance(derived);
  const ObjectId two = heap.instance(base).first;
  const Graph graph = heap.graph();
  EXPECT_EQ(ids(instances_of(graph, graph.types()[base].object)), (std::vector<ObjectId>{one, two}));
  EXPECT_EQ(instances_of(graph, 0).size(), 0U);  // of a type that was not met
}

TEST(Neighbours, TheLargestComeFirstAndEqualsById) {
  SmallPython heap;
  const ObjectId small = heap.object(heap.list_type, 10);
  const ObjectId big = heap.object(heap.list_type, 30);
  const ObjectId middle = heap.object(heap.list_type, 20);
  const ObjectId same = heap.object(heap.list_type, 20);
  const Graph graph = heap.graph();
  const ObjectSet all = ObjectSet::of({small, big, middle, same});
  EXPECT_EQ(largest(graph, all, 0, 10), (std::vector<ObjectId>{big, middle, same, small}));
  EXPECT_EQ(largest(graph, all, 1, 3), (std::vector<ObjectId>{middle, same}));
  EXPECT_TRUE(largest(graph, all, 4, 9).empty());
}

TEST(TypeSummary, FunctionsAndModulesHaveTheirOwnNamesAndSumsEqualTheTotal) {
  SmallPython heap;
  const ObjectId names = heap.module("os");
  const TypeId function = heap.type({.name = "function", .fields = {"__name__", "__code__"}});
  std::vector<ObjectId> made;
  for (const char* name : {"as_sql", "as_sql", "run"}) {
    const ObjectId one = heap.object(function, 150);
    heap.refer(one, {heap.str(name), 0});
    heap.put(names, name, one);
    made.push_back(one);
  }
  const ObjectId nameless = heap.object(function, 150);
  heap.refer(nameless, {0, 0});
  const Graph graph = heap.graph();
  std::vector<ObjectId> all;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) all.push_back(object);
  const ObjectSet everything(all);
  std::uint64_t bytes = 0, count = 0;
  std::map<std::string, std::uint64_t> counts;
  for (const KindTotal& row : summarize(graph, everything)) {
    bytes += row.bytes;
    count += row.count;
    counts[row.kind] = row.count;
  }
  EXPECT_EQ(bytes, everything.bytes(graph));
  EXPECT_EQ(count, everything.size());
  EXPECT_EQ(counts["function (as_sql)"], 2U);
  EXPECT_EQ(counts["function (run)"], 1U);
  EXPECT_EQ(counts["function (?)"], 1U);
  EXPECT_EQ(counts["module(os)"], 1U);
  EXPECT_EQ(counts["dict"], 2U);
}

}  // namespace
}  // namespace heapscope::heap

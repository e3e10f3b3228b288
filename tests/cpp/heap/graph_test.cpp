#include "heap/graph.h"

#include <gtest/gtest.h>

#include "graph_builder.h"

namespace heapscope::heap {
namespace {

TEST(Graph, FindsObjectsByAddress) {
  GraphBuilder heap;
  heap.root(RootKind::kModules, "sys.modules");
  const TypeId type = heap.type({.name = "object"});
  const ObjectId near = heap.object(type, 16, 0, 0x10000000);
  const ObjectId odd = heap.object(type, 16, 0, 0x10000018);
  const ObjectId far = heap.object(type, 16, 0, 0x7FFF00000000);
  const Graph graph = heap.graph();
  for (const ObjectId object : {near, odd, far}) EXPECT_EQ(graph.at_address(graph.address(object)), object);
  EXPECT_EQ(graph.address(odd), 0x10000018U);
  EXPECT_EQ(graph.at_address(0x10000010), 0U);
  EXPECT_EQ(graph.at_address(0x10000020), 0U);
  EXPECT_EQ(graph.at_address(0), 0U);
  EXPECT_EQ(graph.address(1), 0U);
}

TEST(Graph, SizesBeyondFourGibibytesAreWhole) {
  GraphBuilder heap;
  const TypeId type = heap.type({.name = "bytes"});
  const ObjectId small = heap.object(type, 40);
  const ObjectId big = heap.object(type, std::uint64_t{5} << 30);
  const Graph graph = heap.graph();
  EXPECT_EQ(graph.size(small), 40U);
  EXPECT_EQ(graph.size(big), std::uint64_t{5} << 30);
}

TEST(Graph, NamesTypesWithTheirModule) {
  GraphBuilder heap;
  const TypeId dict = heap.type({.name = "dict"});
  const TypeId ordered = heap.type({.name = "OrderedDict", .module = "collections"});
  const Graph graph = heap.graph();
  EXPECT_EQ(graph.type_name(dict), "dict");
  EXPECT_EQ(graph.type_name(ordered), "collections.OrderedDict");
}

TEST(Graph, KeepsHolesInTheirPlace) {
  GraphBuilder heap;
  const TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
  const ObjectId holder = heap.object(list, 64);
  const ObjectId item = heap.object(list, 56);
  heap.refer(holder, {0, item, 0, item});
  const Graph graph = heap.graph();
  const auto references = graph.references(holder);
  EXPECT_EQ(std::vector(references.begin(), references.end()), (std::vector<ObjectId>{0, item, 0, item}));
  EXPECT_TRUE(graph.references(item).empty());
  EXPECT_EQ(graph.reference_count(item), 2U);
}

}  // namespace
}  // namespace heapscope::heap

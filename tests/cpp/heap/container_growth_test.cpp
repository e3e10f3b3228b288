#include "heap/container_growth.h"

#include <gtest/gtest.h>

#include <vector>

#include "heap/small_python.h"

namespace heapscope::heap {
namespace {

// A list, a dict and a buffer of so many items, all in place for more, and what they hold.
Graph with(int in_list, int in_dict, std::uint64_t buffer, int removed = 0) {
  SmallPython heap;
  const TypeId buffers = heap.type({.name = "bytearray"});
  const ObjectId globals = heap.module("app");
  const ObjectId list = heap.list({}, 4096), dict = heap.dict(4096), bytes = heap.object(buffers, 100'000);
  heap.put(globals, "LIST", list);
  heap.put(globals, "DICT", dict);
  heap.put(globals, "BUFFER", bytes);
  const ObjectId one = heap.integer("1");
  for (int at = 0; at < in_list; ++at) heap.refer(list, one);
  for (int at = 0; at < removed; ++at) heap.put(dict, ObjectId{0}, ObjectId{0});
  for (int at = 0; at < in_dict; ++at) heap.put(dict, one, one);
  GraphColumns columns = heap.columns();
  columns.sizes[bytes] = static_cast<std::uint32_t>(buffer);
  return Graph(std::move(columns));
}

std::vector<std::pair<std::string, std::uint64_t>> grown(const std::vector<const Graph*>& snapshots) {
  std::vector<std::pair<std::string, std::uint64_t>> found;
  for (const GrownContainer& each : grown_containers(snapshots)) {
    const Graph& last = *snapshots.back();
    found.emplace_back(last.type_name(last.type(each.object)), each.items);
  }
  return found;
}

using Found = std::vector<std::pair<std::string, std::uint64_t>>;

TEST(ContainerGrowth, LongerInEachSnapshotIsGrown) {
  const Graph one = with(3, 2, 10), two = with(4, 2, 20), three = with(9, 3, 30);
  EXPECT_EQ(grown({&one, &two, &three}), (Found{{"list", 6}, {"bytearray", 0}}));
  EXPECT_EQ(grown_containers(std::vector{&one, &two, &three})[1].bytes, 20U);
  EXPECT_EQ(grown({&two, &three}), (Found{{"list", 5}, {"dict", 1}, {"bytearray", 0}}));
}

TEST(ContainerGrowth, OneThatDidNotGrowOnceIsNot) {
  const Graph one = with(3, 2, 10), two = with(8, 3, 20), three = with(8, 2, 20);
  EXPECT_TRUE(grown({&one, &two, &three}).empty());
  EXPECT_TRUE(grown({&one}).empty());
}

TEST(ContainerGrowth, PlacesOfRemovedKeysAreNoItems) {
  const Graph one = with(3, 2, 10), two = with(3, 2, 10, 5);
  EXPECT_TRUE(grown({&one, &two}).empty());
}

}  // namespace
}  // namespace heapscope::heap

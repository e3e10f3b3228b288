#include "heap/compare.h"

#include <gtest/gtest.h>

#include "graph_builder.h"

namespace heapscope::heap {
namespace {

constexpr std::uint64_t kBase = 0x7F0000000000;

// A snapshot told as (address, type, size, content, birth) of its objects.
struct Told {
  std::uint64_t address;
  int type = 0;  // 0: Lesson, 1: str, 2: list
  std::uint64_t size = 64;
  std::uint64_t content = 0;
  std::uint32_t tick = kUnknownTick;
};

Graph snapshot(const std::vector<Told>& objects, const std::string& tick = "", const std::string& pid = "1") {
  GraphBuilder heap;
  heap.root(RootKind::kModules, "sys.modules");
  const TypeId types[] = {heap.type({.name = "Lesson", .module = "app"}), heap.type({.name = "str"}),
                          heap.type({.name = "list", .tail = Tail::kItems})};
  for (const Told& told : objects) {
    const ObjectId id = heap.object(types[told.type], told.size, 0, kBase + told.address);
    if (told.content != 0) heap.fingerprint(id, told.content);
    if (!tick.empty()) heap.birth(id, 0, told.tick);
  }
  heap.info("pid", pid);
  if (!tick.empty()) {
    heap.info("capture", "run.hscope");
    heap.info("tick", tick);
  }
  return heap.graph();
}

void expect_sums(const Comparison& comparison, const Graph& earlier, const Graph& later) {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (ObjectId id = 1; id <= earlier.count(); ++id) before += earlier.is_python(id) ? earlier.size(id) : 0;
  for (ObjectId id = 1; id <= later.count(); ++id) after += later.is_python(id) ? later.size(id) : 0;
  EXPECT_EQ(comparison.total.earlier.bytes, before);
  EXPECT_EQ(comparison.total.later.bytes, after);
  Change sum;
  for (const Change& change : comparison.changes) {
    EXPECT_EQ(change.later.count - change.earlier.count, change.fresh.count - change.gone.count);
    EXPECT_EQ(change.later.bytes - change.earlier.bytes,
              change.fresh.bytes - change.gone.bytes + static_cast<std::uint64_t>(change.grown_bytes));
    sum.later.bytes += change.later.bytes;
    sum.earlier.bytes += change.earlier.bytes;
    sum.fresh.count += change.fresh.count;
    sum.gone.count += change.gone.count;
  }
  EXPECT_EQ(sum.later.bytes, after);
  EXPECT_EQ(sum.earlier.bytes, before);
  EXPECT_EQ(sum.fresh.count, comparison.fresh.size());
  EXPECT_EQ(sum.gone.count, comparison.gone.size());
}

const Change& of_type(const Comparison& comparison, const std::string& type) {
  return *std::ranges::find(comparison.changes, type, &Change::type);
}

TEST(Compare, TellsNewGoneAndGrown) {
  const Graph earlier = snapshot({{0, 0}, {0x100, 2, 80}, {0x200, 1, 50}});
  const Graph later = snapshot({{0, 0}, {0x100, 2, 200}, {0x300, 0}, {0x400, 0}});
  const Comparison comparison = compare(earlier, later);
  expect_sums(comparison, earlier, later);
  EXPECT_EQ(of_type(comparison, "app.Lesson").fresh.count, 2U);
  EXPECT_EQ(of_type(comparison, "str").gone.bytes, 50U);
  EXPECT_EQ(of_type(comparison, "list").grown_bytes, 120);
  EXPECT_EQ(comparison.kept.size(), 2U);
  EXPECT_EQ(comparison.identity, Identity::kAddress);
}

TEST(Compare, AnotherTypeAtAnAddressIsAnotherObject) {
  const Graph earlier = snapshot({{0, 0}});
  const Graph later = snapshot({{0, 2}});
  const Comparison comparison = compare(earlier, later);
  EXPECT_EQ(comparison.fresh.size(), 1U);
  EXPECT_EQ(comparison.gone.size(), 1U);
}

TEST(Compare, AnotherContentAtAnAddressIsAnotherObject) {
  const Graph earlier = snapshot({{0, 1, 50, 111}, {0x100, 1, 50, 222}, {0x200, 1, 60, 333}});
  const Graph later = snapshot({{0, 1, 50, 111}, {0x100, 1, 50, 999}, {0x200, 1, 61, 333}});
  const Comparison comparison = compare(earlier, later);
  EXPECT_EQ(comparison.kept.size(), 1U);
  EXPECT_EQ(comparison.fresh.size(), 2U);
}

TEST(Compare, WithBirthsAnAddressThatIsUsedAgainIsANewObject) {
  const Graph earlier =
      snapshot({{0, 0, 64, 0, 3}, {0x100, 0, 64, 0, 4}, {0x200, 0}, {0x300, 0, 64, 0, 5}}, "10");
  const Graph later =
      snapshot({{0, 0, 64, 0, 3}, {0x100, 0, 64, 0, 11}, {0x200, 0}, {0x300, 0, 64, 0, 10}}, "20");
  const Comparison comparison = compare(earlier, later);
  EXPECT_EQ(comparison.identity, Identity::kBirth);
  ASSERT_EQ(comparison.fresh.size(), 2U);
  EXPECT_EQ(comparison.gone.size(), 2U);
  EXPECT_EQ(later.address(comparison.fresh.ids()[0]), kBase + 0x100);
  EXPECT_EQ(later.address(comparison.fresh.ids()[1]), kBase + 0x300);  // in the tick of the earlier snapshot
  expect_sums(comparison, earlier, later);
}

TEST(Compare, AddressesOfAnotherProcessSayNothing) {
  const Graph earlier = snapshot({{0, 0}, {0x100, 0}}, "", "1");
  const Graph later = snapshot({{0, 0}, {0x100, 0}}, "", "2");
  const Comparison comparison = compare(earlier, later);
  EXPECT_FALSE(comparison.same_process);
  EXPECT_EQ(comparison.fresh.size(), 2U);
  EXPECT_EQ(comparison.gone.size(), 2U);
  EXPECT_EQ(comparison.total.later.bytes, comparison.total.earlier.bytes);
}

TEST(Compare, ThreeSnapshotsTellWhatCameBetweenAndStayed) {
  const Graph first = snapshot({{0, 0}, {0x500, 0}});
  const Graph second = snapshot({{0, 0}, {0x100, 0}, {0x200, 0}, {0x500, 0}});
  const Graph third = snapshot({{0, 0}, {0x200, 0}, {0x300, 0}, {0x500, 0}});
  const Comparison comparison = compare(first, second);
  const ObjectSet stayed = still_there(second, comparison.fresh, third);
  ASSERT_EQ(stayed.size(), 1U);
  EXPECT_EQ(third.address(stayed.ids()[0]), kBase + 0x200);
}

TEST(Compare, ASnapshotIsTheSameAsItself) {
  const Graph graph = snapshot({{0, 0}, {0x100, 1, 50, 7}, {0x200, 2, 80}});
  const Comparison comparison = compare(graph, graph);
  EXPECT_EQ(comparison.fresh.size(), 0U);
  EXPECT_EQ(comparison.gone.size(), 0U);
  EXPECT_EQ(comparison.kept.size(), 3U);
}

}  // namespace
}  // namespace heapscope::heap

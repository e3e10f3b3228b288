#include "heap/compare.h"

#include <gtest/gtest.h>

#include "graph_builder.h"

namespace heapscope::heap {
namespace {

constexpr std::uint64_t kBase = 0x7F0000000000;

// A snapshot told as (address, type, size, content, birth) of its objects. `recording`: when it began; none: not tracked.
struct Told {
  std::uint64_t address;
  int type = 0;  // 0: Lesson, 1: str, 2: list, 3: float
  std::uint64_t size = 64;
  std::uint64_t content = 0;
  std::uint64_t born_ns = kUnknownTime;
};

struct Of {
  std::string recording{};
  std::string pid{"1"};
  std::string process_began{};
  std::string time_ns{};
};

Graph snapshot(const std::vector<Told>& objects, const Of& of = {}) {
  GraphBuilder heap;
  heap.root(RootKind::kModules, "sys.modules");
  const TypeId types[] = {heap.type({.name = "Lesson", .module = "app", .flags = kDefinedInPython}),
                          heap.type({.name = "str"}), heap.type({.name = "list", .tail = Tail::kItems}),
                          heap.type({.name = "float"})};
  for (const Told& told : objects) {
    const ObjectId id = heap.object(types[told.type], told.size, 0, kBase + told.address);
    if (told.content != 0) heap.fingerprint(id, told.content);
    if (!of.recording.empty()) heap.birth(id, 0, told.born_ns);
  }
  heap.info("pid", of.pid);
  for (const auto& [key, value] :
       {std::pair("recording_began_ns", of.recording), std::pair("process_began", of.process_began),
        std::pair("time_ns", of.time_ns)}) {
    if (!value.empty()) heap.info(key, value);
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
  const Graph earlier = snapshot({{0, 1, 50, 111}, {0x100, 1, 50, 222}, {0x200, 3, 24, 333}});
  const Graph later = snapshot({{0, 1, 90, 111}, {0x100, 1, 50, 999}, {0x200, 3, 24, 444}});
  const Comparison comparison = compare(earlier, later);
  ASSERT_EQ(comparison.kept.size(), 1U);  // a string that was encoded meanwhile is larger and the same
  EXPECT_EQ(later.address(comparison.kept.ids()[0]), kBase);
  EXPECT_EQ(comparison.fresh.size(), 2U);
}

TEST(Compare, WithBirthsAnAddressThatIsUsedAgainIsANewObject) {
  const Graph earlier = snapshot({{0, 0, 64, 0, 3}, {0x100, 0, 64, 0, 4}, {0x200, 0}, {0x300, 0, 64, 0, 5}},
                                 {.recording = "7"});
  const Graph later =
      snapshot({{0, 0, 64, 0, 3}, {0x100, 0, 64, 0, 11}, {0x200, 0}, {0x300, 0}}, {.recording = "7"});
  const Comparison comparison = compare(earlier, later);
  EXPECT_EQ(comparison.identity, Identity::kBirth);
  ASSERT_EQ(comparison.fresh.size(), 2U);
  EXPECT_EQ(comparison.gone.size(), 2U);
  EXPECT_EQ(later.address(comparison.fresh.ids()[0]), kBase + 0x100);
  EXPECT_EQ(later.address(comparison.fresh.ids()[1]), kBase + 0x300);
  EXPECT_EQ(comparison.unproven.size(), 0U);
  expect_sums(comparison, earlier, later);
}

TEST(Compare, BirthsOfTwoRecordingsAreNotCompared) {
  const Graph earlier = snapshot({{0, 0, 64, 0, 3}, {0x100, 0}}, {.recording = "7"});
  const Graph later = snapshot({{0, 0, 64, 0, 4}, {0x100, 0}}, {.recording = "8"});
  const Comparison comparison = compare(earlier, later);
  EXPECT_EQ(comparison.identity, Identity::kAddress);
  EXPECT_EQ(comparison.kept.size(), 2U);
  EXPECT_EQ(comparison.unproven.size(), 2U);
}

TEST(Compare, WhatARecordingSawThatBeganAfterTheEarlierSnapshotIsNew) {
  const Graph earlier = snapshot({{0, 0}, {0x100, 0}}, {.time_ns = "100"});
  const Graph later = snapshot({{0, 0, 64, 0, 4}, {0x100, 0}}, {.recording = "200", .time_ns = "300"});
  const Comparison comparison = compare(earlier, later);
  ASSERT_EQ(comparison.fresh.size(), 1U);
  EXPECT_EQ(later.address(comparison.fresh.ids()[0]), kBase);
  EXPECT_EQ(compare(later, earlier).gone.size(), 1U);
}

TEST(Compare, ABlockThatAFreeListGivesOutAgainProvesNothing) {
  const Graph earlier =
      snapshot({{0, 3, 24, 11, 3}, {0x100, 3, 24, 12, 3}, {0x200, 0, 64, 0, 3}}, {.recording = "7"});
  const Graph later =
      snapshot({{0, 3, 24, 11, 3}, {0x100, 3, 24, 99, 3}, {0x200, 0, 64, 0, 3}}, {.recording = "7"});
  const Comparison comparison = compare(earlier, later);
  ASSERT_EQ(comparison.fresh.size(), 1U);
  EXPECT_EQ(later.address(comparison.fresh.ids()[0]), kBase + 0x100);
  ASSERT_EQ(comparison.unproven.size(), 1U);
  EXPECT_EQ(later.address(comparison.unproven.ids()[0]), kBase);
}

TEST(Compare, AddressesOfAnotherProcessSayNothing) {
  const Graph earlier = snapshot({{0, 0}, {0x100, 0}}, {.process_began = "10"});
  for (const Of& of : {Of{.pid = "2"}, Of{.process_began = "20"}}) {
    const Graph later = snapshot({{0, 0}, {0x100, 0}}, of);
    const Comparison comparison = compare(earlier, later);
    EXPECT_FALSE(comparison.same_process);
    EXPECT_EQ(comparison.fresh.size() + comparison.gone.size() + comparison.kept.size(), 0U);
    EXPECT_EQ(comparison.total.fresh.count + comparison.total.gone.count, 0U);
    EXPECT_EQ(comparison.total.earlier.count, 2U);
    EXPECT_EQ(comparison.total.later.bytes, comparison.total.earlier.bytes);
  }
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

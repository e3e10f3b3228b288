#include "heap/suspects.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "heap/small_python.h"
#include "heap/waste.h"

namespace heapscope::heap {
namespace {

constexpr std::uint64_t kLarge = 20'000;

// What both kinds of findings say of a heap: the name of the kind and the path.
std::vector<std::string> findings(const Heap& heap, std::span<const Heap* const> earlier = {}) {
  std::vector<std::string> made;
  for (const std::vector<Finding>& some : {find_suspects(heap, earlier), find_waste(heap)}) {
    for (const Finding& each : some) made.push_back(std::string(name_of(each.kind)) + " " + each.path);
  }
  return made;
}

using Found = std::vector<std::string>;

ObjectId list_of(SmallPython& heap, TypeId type, int count, std::uint64_t size = kLarge) {
  const ObjectId list = heap.list();
  for (int made = 0; made < count; ++made) heap.refer(list, heap.object(type, size));
  return list;
}

TEST(Suspects, AListThatAloneHoldsManyOfAKindIsAnAccumulation) {
  SmallPython heap;
  heap.put(heap.module("app"), "ROWS", list_of(heap, heap.float_type, 100));
  const Heap opened(heap.graph());
  const auto found = find_suspects(opened);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].path, "sys.modules['app'].ROWS");
  EXPECT_EQ(found[0].what, "list alone holds 100 float");
  EXPECT_EQ(found[0].bytes, 100 * kLarge + 56);
  EXPECT_EQ(found[0].count, 100U);
}

TEST(Suspects, FewObjectsOrFewBytesOrOneLargeOneAreNone) {
  for (const auto& [count, size, largest] :
       {std::tuple(98, kLarge, kLarge), std::tuple(100, std::uint64_t{100}, std::uint64_t{100}),
        std::tuple(100, kLarge, 200 * kLarge)}) {
    SmallPython heap;
    const ObjectId list = list_of(heap, heap.float_type, count, size);
    heap.refer(list, heap.object(heap.float_type, largest));
    heap.put(heap.module("app"), "ROWS", list);
    EXPECT_EQ(findings(Heap(heap.graph())), Found{}) << count;
  }
}

TEST(Suspects, WhatIsSmallBesideTheHeapIsNone) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  heap.put(globals, "ROWS", list_of(heap, heap.float_type, 100));
  heap.put(globals, "TABLE", heap.object(heap.str_type, 100 * 100 * kLarge));
  EXPECT_EQ(findings(Heap(heap.graph())), Found{});
}

TEST(Suspects, ProgramCodeIsNoAccumulation) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  for (int made = 0; made < 200; ++made) {
    heap.put(globals, "f" + std::to_string(made), heap.object(heap.function_type, kLarge));
  }
  heap.put(globals, "REGISTRY", list_of(heap, heap.function_type, 200));
  EXPECT_EQ(findings(Heap(heap.graph())), Found{});
}

TEST(Suspects, AChainIsFoundAtItsHead) {
  SmallPython heap;
  const TypeId node =
      heap.type({.name = "Node", .module = "app", .fields = {"next"}, .flags = kDefinedInPython});
  ObjectId first = 0;
  for (int made = 0; made < 150; ++made) {
    const ObjectId each = heap.object(node, kLarge);
    heap.refer(each, first);
    first = each;
  }
  heap.put(heap.module("app"), "HEAD", first);
  EXPECT_EQ(findings(Heap(heap.graph())), (Found{"accumulation sys.modules['app'].HEAD"}));
}

TEST(Suspects, ALargeDictOfAModuleIsACacheThatNothingBounds) {
  SmallPython heap;
  const ObjectId cache = heap.dict();
  for (int made = 0; made < 10'000; ++made) {
    heap.refer(cache, {heap.object(heap.float_type, 24), heap.object(heap.str_type, 200)});
  }
  heap.put(heap.module("app"), "CACHE", cache);
  const Heap opened(heap.graph());
  EXPECT_EQ(findings(opened), (Found{"unbounded_cache sys.modules['app'].CACHE"}));
  EXPECT_EQ(find_unbounded_caches(opened)[0].count, 10'000U);
}

TEST(Suspects, FinalisersInCyclesAreNamedWithTheReferenceThatClosesThem) {
  for (const bool closes : {true, false}) {
    SmallPython heap;
    const TypeId parent = heap.type(
        {.name = "Parent", .module = "app", .fields = {"child"}, .flags = kDefinedInPython | kHasFinalizer});
    const TypeId child =
        heap.type({.name = "Child", .module = "app", .fields = {"parent"}, .flags = kDefinedInPython});
    const ObjectId list = heap.list();
    for (int made = 0; made < 100; ++made) {
      const ObjectId one = heap.object(parent, 48);
      const ObjectId other = heap.object(child, 48);
      heap.refer(one, other);
      heap.refer(other, closes ? one : 0);
      heap.refer(list, one);
    }
    heap.put(heap.module("app"), "ALL", list);
    const Heap opened(heap.graph());
    const auto found = find_suspects(opened);
    ASSERT_EQ(found.size(), closes ? 1U : 0U);
    if (!closes) continue;
    EXPECT_EQ(found[0].what, "100 app.Parent with a finaliser are in reference cycles, closed by .parent");
    EXPECT_EQ(found[0].bytes, 100U * 96);
  }
}

TEST(Suspects, TracebacksOfARunningFrameAreNone) {
  for (const bool kept : {true, false}) {
    SmallPython heap;
    const TypeId error =
        heap.type({.name = "ValueError", .fields = {"__traceback__"}, .flags = kIsException});
    const TypeId traceback = heap.type({.name = "traceback", .fields = {"tb_next", "tb_frame"}});
    const TypeId frame = heap.type({.name = "frame", .fields = {"f_code"}, .tail = Tail::kLocals});
    const ObjectId raised = heap.object(error, 88);
    const ObjectId trace = heap.object(traceback, 64);
    const ObjectId running = heap.object(frame, 200);
    heap.refer(raised, trace);
    heap.refer(trace, {0, running});
    heap.refer(running, {0, heap.object(heap.str_type, std::uint64_t{2} << 20)});
    if (kept) {
      heap.put(heap.module("app"), "LAST", raised);
    } else {
      heap.refer(heap.frame_root, raised, "error");
    }
    EXPECT_EQ(findings(Heap(heap.graph())), kept ? (Found{"traceback sys.modules['app'].LAST"}) : Found{});
  }
}

TEST(Suspects, AContainerGrowsWhenItKeepsWhatItHad) {
  const auto round = [](int items, bool keeps) {
    SmallPython heap;
    const ObjectId globals = heap.module("app");
    const ObjectId list = heap.list();
    heap.put(globals, "LOG", list);
    std::vector<ObjectId> all;
    for (int made = 0; made < 1000; ++made) all.push_back(heap.object(heap.float_type, 500));
    for (int at = 0; at < items; ++at)
      heap.refer(list, all[static_cast<std::size_t>(keeps ? at : at + items)]);
    return heap.graph();
  };
  const Heap one(round(120, true));
  const Heap two(round(240, true));
  const Heap three(round(360, true));
  const Heap other(round(240, false));
  const Heap* const grown[] = {&one, &two};
  const Heap* const replaced[] = {&one, &other};
  const auto found = find_suspects(three, grown);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].what, "list grew every time: 120, 240, 360 items");
  EXPECT_EQ(found[0].path, "sys.modules['app'].LOG");
  EXPECT_EQ(found[0].bytes, 240U * 500);
  EXPECT_TRUE(find_suspects(three, replaced).empty());
  EXPECT_TRUE(find_suspects(three).empty());
}

TEST(Waste, AllButOneOfEqualStringsIsSaved) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  for (int made = 0; made < 60; ++made) {
    const ObjectId each = heap.object(heap.str_type, kLarge * 2);
    heap.fingerprint(each, 7);
    heap.preview(each, "department of history");
    heap.put(globals, "x" + std::to_string(made), each);
  }
  const Heap opened(heap.graph());
  const auto found = find_waste(opened);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].bytes, 59 * kLarge * 2);
  EXPECT_EQ(found[0].what,
            "59 str repeat the content of 1 others; 'department of history' is there 60 times");
}

TEST(Waste, ADictWithRoomForManyMoreIsSpare) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const ObjectId emptied = heap.dict(std::uint64_t{2} << 20);
  const ObjectId full = heap.dict(std::uint64_t{2} << 20);
  for (int made = 0; made < 50'000; ++made) {
    heap.refer(full, {heap.modules, heap.modules});
  }
  heap.put(globals, "EMPTIED", emptied);
  heap.put(globals, "FULL", full);
  const Heap opened(heap.graph());
  const auto found = find_waste(opened);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].path, "sys.modules['app'].EMPTIED");
  EXPECT_EQ(found[0].bytes, (std::uint64_t{2} << 20) - 64);
}

TEST(Waste, NumbersThatOthersHoldTooAreNotSaved) {
  for (const bool shared : {true, false}) {
    SmallPython heap;
    const ObjectId globals = heap.module("app");
    const ObjectId outer = heap.list();
    const ObjectId others = heap.list();
    for (int list = 0; list < 90; ++list) {
      const ObjectId numbers = heap.list();
      for (int made = 0; made < 600; ++made) {
        const ObjectId number = heap.object(heap.float_type, 24);
        heap.refer(numbers, number);
        if (shared) heap.refer(others, number);
      }
      heap.refer(outer, numbers);
    }
    heap.put(globals, "SERIES", outer);
    heap.put(globals, "OTHERS", others);
    const Heap opened(heap.graph());
    const auto found = find_boxed_numbers(opened);
    ASSERT_EQ(found.size(), shared ? 0U : 1U);
    if (!shared) {
      EXPECT_EQ(found[0].bytes, 90U * 600 * 24);
    }
  }
}

TEST(Waste, SlotsSaveWhatInstancesHaveBesideTheirAttributes) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const auto [lesson, class_names] = heap.python_class("app", "Lesson");
  const ObjectId value = heap.str("v");
  for (int made = 0; made < 10'000; ++made) {
    const auto [instance, names] = heap.instance(lesson);  // 48 and 64 bytes
    heap.put(names, heap.modules, value);
    heap.put(globals, "x" + std::to_string(made), instance);
  }
  const Heap before(heap.graph());
  EXPECT_TRUE(find_instance_dicts(before).empty());  // a key that is no name
  SmallPython named;
  const ObjectId rows = named.module("app");
  const auto [row, row_names] = named.python_class("app", "Row");
  const ObjectId title = named.str("title");
  for (int made = 0; made < 20'000; ++made) {
    const auto [instance, names] = named.instance(row);
    named.put(names, title, title);
    named.put(rows, "x" + std::to_string(made), instance);
  }
  const Heap opened(named.graph());
  const auto found = find_instance_dicts(opened);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].bytes, 20'000U * (48 + 64 - 32 - 8));
}

}  // namespace
}  // namespace heapscope::heap
